/**
 * URLs as Go's net/url takes them apart. Not WHATWG's: nothing is normalised but the scheme, and what
 * is between `scheme:` and `?` without a slash stays opaque. Texts are byte strings. Pure.
 */
import { BuiltinError } from "../builtin.ts";
import { isIpv6 } from "./ipv6.ts";
import { escapePercent, unescapePercent } from "./percent.ts";

export interface Url {
  readonly scheme: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  /** As it was written, when escaping `path` would not give it; else the same as `path`. */
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly fragment: string;
}

export function parseUrl(text: string): Url {
  const [whole, fragment] = cut(text, "#");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(whole)) throw new BuiltinError("there is a control character");
  const [scheme, afterScheme] = whole === "*" ? ["", "*"] : cutScheme(whole);
  const [rest, rawQuery] = cut(afterScheme, "?");
  const { authority, path } = splitPath(scheme, rest);
  return {
    scheme: scheme.toLowerCase(),
    ...parseAuthority(scheme.toLowerCase(), authority),
    ...parsePath(path),
    rawQuery,
    fragment: unescapePercent(fragment, "fragment"),
  };
}

function cut(text: string, separator: string): readonly [before: string, after: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function cutScheme(text: string): readonly [scheme: string, rest: string] {
  if (text.startsWith(":")) throw new BuiltinError("the scheme before : is missing");
  const scheme = /^([A-Za-z][\dA-Za-z+.-]*):/.exec(text)?.[1] ?? "";
  return scheme === "" ? ["", text] : [scheme, text.slice(scheme.length + 1)];
}

function splitPath(
  scheme: string,
  rest: string,
): { readonly authority: string; readonly path: string } {
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { authority: "", path: "" };
    if (cut(rest, "/")[0].includes(":")) {
      throw new BuiltinError("there is a colon in the first segment of a relative path");
    }
    return { authority: "", path: rest };
  }
  if (!rest.startsWith("//") || (scheme === "" && rest.startsWith("///"))) {
    return { authority: "", path: rest };
  }
  const slash = rest.indexOf("/", 2);
  return slash < 0
    ? { authority: rest.slice(2), path: "" }
    : { authority: rest.slice(2, slash), path: rest.slice(slash) };
}

function parsePath(text: string): { readonly path: string; readonly rawPath: string } {
  const path = unescapePercent(text, "path");
  return { path, rawPath: escapePercent(path, "path") === text ? path : text };
}

function parseAuthority(
  scheme: string,
  authority: string,
): { readonly hostname: string; readonly port: string } {
  const at = authority.lastIndexOf("@");
  const host = parseHost(scheme, authority.slice(at + 1));
  if (at >= 0) checkUser(authority.slice(0, at));
  const colon = host.lastIndexOf(":");
  const hasPort = colon >= 0 && isPort(host.slice(colon));
  const [name, port] = hasPort ? [host.slice(0, colon), host.slice(colon + 1)] : [host, ""];
  const isBracketed = name.startsWith("[") && name.endsWith("]");
  return { hostname: isBracketed ? name.slice(1, -1) : name, port };
}

function checkUser(user: string): void {
  if (!/^[\w.:~!$&'()*+,;=%@-]*$/.test(user)) {
    throw new BuiltinError("there is a character before @ that is not allowed there");
  }
  unescapePercent(user, "user");
}

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) throw new BuiltinError("there is a [ in the host that does not begin it");
  if (bracket === 0) return parseLiteral(host);
  // Other schemes have lists of hosts, of which only the last port is looked at (Go issue 78077).
  const isStrict = scheme === "http" || scheme === "https";
  const colon = isStrict ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon >= 0) checkPort(host.slice(colon));
  return unescapePercent(host, "host");
}

function parseLiteral(host: string): string {
  const end = host.lastIndexOf("]");
  if (end < 0) throw new BuiltinError("there is a [ in the host, but no ]");
  const port = host.slice(end + 1);
  checkPort(port);
  const literal = host.slice(1, end);
  const zoneAt = literal.indexOf("%25");
  const [address, zone] =
    zoneAt < 0 ? [literal, ""] : [literal.slice(0, zoneAt), literal.slice(zoneAt)];
  const name = unescapePercent(address, "host") + unescapePercent(zone, "zone");
  if (!isIpv6(name)) throw new BuiltinError("there is no IPv6 address between [ and ]");
  return `[${name}]${port}`;
}

function checkPort(text: string): void {
  if (!isPort(text)) throw new BuiltinError("the port is not a number");
}

/** A colon and any count of digits, even none; or nothing at all. */
function isPort(text: string): boolean {
  return /^(?::\d*)?$/.test(text);
}
