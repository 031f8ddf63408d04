/**
 * URLs as Go's net/url takes them apart: certificates hold them, and requests to AWS are signed by
 * their parts. Parts are kept as characters that stand for bytes (latin1).
 */
import { BuiltinError } from "../builtin.ts";
import { isIpv6 } from "../text/ipv6.ts";
import { escapePercent, isPlain, unescapePercent } from "../text/percent.ts";

export interface GoUrl {
  readonly scheme: string;
  readonly opaque: string;
  readonly user: User | null;
  readonly host: string;
  readonly path: string;
  /** As it was written; empty when the path would be escaped like that anyway. */
  readonly rawPath: string;
  readonly omitHost: boolean;
  readonly forceQuery: boolean;
  readonly rawQuery: string;
  readonly fragment: string;
  readonly rawFragment: string;
}

interface User {
  readonly name: string;
  readonly password: string | null;
}

const empty: GoUrl = {
  scheme: "",
  opaque: "",
  user: null,
  host: "",
  path: "",
  rawPath: "",
  omitHost: false,
  forceQuery: false,
  rawQuery: "",
  fragment: "",
  rawFragment: "",
};

/** Throws BuiltinError for what Go refuses. `text` stands for bytes. */
export function parseUrl(text: string): GoUrl {
  const [head, fragment] = cut(text, "#");
  const url = parseHead(head);
  if (fragment === "") return url;
  const decoded = unescapePercent(fragment, "fragment");
  return {
    ...url,
    fragment: decoded,
    rawFragment: escapePercent(decoded, "fragment") === fragment ? "" : fragment,
  };
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function parseHead(text: string): GoUrl {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new BuiltinError("control character in URL");
  if (text === "*") return { ...empty, path: "*" };
  const [scheme, rest] = cutScheme(text);
  const forceQuery = rest.endsWith("?") && rest.indexOf("?") === rest.length - 1;
  const [place, rawQuery] = cut(rest, "?");
  const base = { ...empty, scheme, forceQuery, rawQuery };
  if (place.startsWith("/")) return parsePlace(base, place);
  if (scheme !== "") return { ...base, opaque: place };
  if (cut(place, "/")[0].includes(":")) {
    throw new BuiltinError("first path segment in URL cannot contain colon");
  }
  return parsePlace(base, place);
}

function cutScheme(text: string): readonly [string, string] {
  const found = /^([A-Za-z][A-Za-z\d+.-]*)?:/.exec(text);
  if (found === null) return ["", text];
  const [head, scheme] = found;
  if (scheme === undefined) throw new BuiltinError("missing protocol scheme");
  return [scheme.toLowerCase(), text.slice(head.length)];
}

function parsePlace(base: GoUrl, place: string): GoUrl {
  const hasAuthority = place.startsWith("//") && (base.scheme !== "" || !place.startsWith("///"));
  if (!hasAuthority) {
    return { ...base, ...parsePath(place), omitHost: base.scheme !== "" && place.startsWith("/") };
  }
  const slash = place.indexOf("/", 2);
  const authority = slash < 0 ? place.slice(2) : place.slice(2, slash);
  const at = authority.lastIndexOf("@");
  const host = parseHost(base.scheme, authority.slice(at + 1));
  const user = at < 0 ? null : parseUser(authority.slice(0, at));
  return { ...base, user, host, ...parsePath(slash < 0 ? "" : place.slice(slash)) };
}

function parsePath(text: string): Pick<GoUrl, "path" | "rawPath"> {
  const path = unescapePercent(text, "path");
  return { path, rawPath: escapePercent(path, "path") === text ? "" : text };
}

function parseUser(text: string): User {
  if (!/^[\w.:~!$&'()*+,;=%@-]*$/.test(text)) throw new BuiltinError("invalid userinfo");
  const [name, password] = cut(text, ":");
  return {
    name: unescapePercent(name, "user"),
    password: text.includes(":") ? unescapePercent(password, "user") : null,
  };
}

function parseHost(scheme: string, text: string): string {
  if (text.lastIndexOf("[") > 0) throw new BuiltinError("invalid IP-literal");
  if (text.startsWith("[")) return parseLiteral(text);
  const isStrict = scheme === "http" || scheme === "https";
  const colon = isStrict ? text.indexOf(":") : text.lastIndexOf(":");
  if (colon >= 0) checkPort(text.slice(colon));
  return unescapePercent(text, "host");
}

function checkPort(text: string): void {
  if (!/^(?::\d*)?$/.test(text)) throw new BuiltinError("invalid port after host");
}

function parseLiteral(text: string): string {
  const end = text.lastIndexOf("]");
  if (end < 0) throw new BuiltinError("missing ']' in host");
  const port = text.slice(end + 1);
  checkPort(port);
  const name = text.slice(1, end);
  const zone = name.indexOf("%25");
  const decoded =
    zone < 0
      ? unescapePercent(name, "host")
      : unescapePercent(name.slice(0, zone), "host") + unescapePercent(name.slice(zone), "zone");
  if (!isIpv6(decoded)) throw new BuiltinError("invalid host");
  return `[${decoded}]${port}`;
}

/** `raw`, when it is a way to write `decoded`; else how Go would write it. */
function printPart(decoded: string, raw: string, part: "path" | "fragment"): string {
  const isValid = raw
    .split("")
    .every((character) => isPlain(character, part) || "!$&'()*+,;=:@[]%".includes(character));
  return raw !== "" && isValid ? raw : escapePercent(decoded, part);
}

export function escapedPath({ path, rawPath }: GoUrl): string {
  return path === "*" ? "*" : printPart(path, rawPath, "path");
}

export function printUrl(url: GoUrl): string {
  const scheme = url.scheme === "" ? "" : `${url.scheme}:`;
  const query = url.forceQuery || url.rawQuery !== "" ? `?${url.rawQuery}` : "";
  const fragment =
    url.fragment === "" ? "" : `#${printPart(url.fragment, url.rawFragment, "fragment")}`;
  return `${scheme}${url.opaque === "" ? printPlace(url) : url.opaque}${query}${fragment}`;
}

function printPlace(url: GoUrl): string {
  const path = escapedPath(url);
  const authority = printAuthority(url);
  const isRelative = url.scheme === "" && authority === "" && cut(path, "/")[0].includes(":");
  return `${authority}${isRelative ? "./" : ""}${path}`;
}

function printAuthority({ scheme, host, user, path, omitHost }: GoUrl): string {
  if (host === "" && user === null && (scheme === "" || omitHost || path === "")) return "";
  const password = user?.password ?? null;
  const secret = password === null ? "" : `:${escapePercent(password, "user")}`;
  const login = user === null ? "" : `${escapePercent(user.name, "user")}${secret}@`;
  return `//${login}${escapePercent(host, "host")}`;
}
