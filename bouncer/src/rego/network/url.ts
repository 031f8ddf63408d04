/**
 * URLs of `http.send` as OPA sends them: the path goes out as the policy wrote it, dots and all,
 * and a host that is a number is a name. Pure.
 */
import { HttpFailure } from "./failure.ts";

export interface HttpUrl {
  /** As it was written, less the password: for messages. */
  readonly text: string;
  readonly protocol: "http:" | "https:";
  /** Lower case; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Host and port as the `Host` header has them. */
  readonly authority: string;
  /** With the query. */
  readonly path: string;
  /** `user:password`; null when there is none. */
  readonly credentials: string | null;
  /** Path of the Unix socket to connect to instead of the host. */
  readonly socket: string | null;
}

const internal = (text: string, problem: string): HttpFailure =>
  new HttpFailure("internal", `cannot parse URL ${JSON.stringify(text)}: ${problem}`);

/** Throws an HttpFailure. `operation` is the request's method, for the message: `Get`. */
export function parseUrl(text: string, operation: string): HttpUrl {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\0-\u001F\u007F]/.test(text)) throw internal(text, "it has a control character");
  const parts = splitUrl(text);
  const shown = text.replace(/^([^/?#]*\/\/[^/?#:@]*):[^/?#@]*@/, "$1:***@");
  const place = parseHost(text, parts.authority);
  const path = encodePath(text, parts.path);
  const unix = parts.scheme === "unix" ? takeSocket(parts.search) : null;
  const port = place.port ?? (parts.scheme === "https" ? 443 : 80);
  const problem = findProblem(parts.scheme, { ...place, port }, unix);
  if (problem !== null) {
    throw new HttpFailure("network", `${operation} ${JSON.stringify(shown)}: ${problem}`);
  }
  return {
    text: shown,
    protocol: parts.scheme === "https" ? "https:" : "http:",
    host: place.host,
    port,
    authority: toAuthority(parts.authority, place),
    path: path + (unix ?? parts).search.replace(/[^\u0021-\u007E]+/gu, encodeLoosely),
    credentials: parts.userinfo === null ? null : decodeCredentials(text, parts.userinfo),
    socket: unix?.socket ?? null,
  };
}

function findProblem(scheme: string, place: Place, unix: UnixPlace | null): string | null {
  const isKnown = scheme === "http" || scheme === "https" || unix !== null;
  if (!isKnown) return `unsupported protocol scheme ${JSON.stringify(scheme)}`;
  if (place.host === "" && unix === null) return "no Host in request URL";
  return (place.port ?? 0) > 65_535 ? `invalid port ${place.port}` : null;
}

/** Without the zone of an address, which means something here only; names as DNS knows them. */
function toAuthority(authority: string, { host, port }: Place): string {
  if (/^[\u0021-\u007E]*$/.test(authority)) return authority.replace(/%[^\]]*/, "");
  return port === null ? host : `${host}:${port}`;
}

interface Parts {
  readonly scheme: string;
  readonly userinfo: string | null;
  readonly authority: string;
  readonly path: string;
  /** With its question mark. */
  readonly search: string;
}

function splitUrl(text: string): Parts {
  const { scheme, rest } = splitScheme(text);
  const [, found = "", path = "", search = ""] =
    /^\/\/([^/?#]*)([^?#]*)(\?[^#]*)?/.exec(rest) ?? [];
  const at = found.lastIndexOf("@");
  const userinfo = at < 0 ? null : found.slice(0, at);
  return { scheme, userinfo, authority: found.slice(at + 1), path, search };
}

function splitScheme(text: string): { readonly scheme: string; readonly rest: string } {
  const [whole = "", scheme = ""] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text) ?? [];
  if (scheme !== "") return { scheme: scheme.toLowerCase(), rest: text.slice(whole.length) };
  if (/^[^/?#]*:/.test(text)) throw internal(text, "its scheme is not one");
  return { scheme: "", rest: text };
}

interface Place {
  readonly host: string;
  readonly port: number | null;
}

function parseHost(text: string, authority: string): Place {
  const [, literal, name, port = ""] =
    /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(authority) ?? [];
  if (literal === undefined && name === undefined) throw internal(text, "its host is not one");
  const number = port === "" ? null : Number(port);
  if (literal !== undefined) {
    if (!URL.canParse(`http://[${literal.replace(/%.*$/, "")}]/`)) {
      throw internal(text, "its host is no IPv6 address");
    }
    return { host: literal.replace(/^([^%]*)%25/, "$1%").toLowerCase(), port: number };
  }
  return { host: parseName(text, name ?? ""), port: number };
}

function parseName(text: string, name: string): string {
  if (/^[\w.~!$&'()*+,;=-]*$/.test(name)) return name.toLowerCase();
  if (/[ "<>\\^`{|}%]/.test(name) || !URL.canParse(`http://${name}/`)) {
    throw internal(text, "its host has a character that no host has");
  }
  // Other scripts, as DNS knows them.
  return new URL(`http://${name}/`).hostname;
}

/** The path as it is when it is valid, otherwise decoded and encoded anew. */
function encodePath(text: string, path: string): string {
  if (/%(?![\da-fA-F]{2})/.test(path)) throw internal(text, "it has an invalid escape");
  if (path === "") return "/";
  if (/^[\w.~!$&'()*+,;=:@[\]%/-]*$/.test(path)) return path;
  return path.replace(
    /%([\da-fA-F]{2})|[^A-Za-z0-9\-_.~$&+,/:;=@%]+/gu,
    (found: string, digits?: string) =>
      digits === undefined ? encodeAll(found) : encodeByte(Number.parseInt(digits, 16)),
  );
}

function encodeByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (/^[A-Za-z0-9\-_.~$&+,/:;=@]$/.test(char)) return char;
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function encodeAll(text: string): string {
  return encodeLoosely(text).replace(/[!'()*]/g, (char) => encodeByte(char.charCodeAt(0)));
}

function encodeLoosely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function decodeCredentials(text: string, userinfo: string): string {
  const [user = "", ...rest] = userinfo.split(":");
  if (!/^[\w.~:!$&'()*+,;=%@-]*$/.test(userinfo)) throw internal(text, "its user is not one");
  try {
    return [user, rest.join(":")].map(decodeURIComponent).join(":");
  } catch {
    throw internal(text, "its user is not one");
  }
}

interface UnixPlace {
  readonly socket: string;
  readonly search: string;
}

/** `?socket=%2Ftmp%2Fhttp.sock`, which is not sent; the rest of the query is. */
function takeSocket(search: string): UnixPlace | null {
  if (search.length < 2) return null;
  const parameters = new URLSearchParams(search);
  const socket = parameters.get("socket") ?? "";
  parameters.delete("socket");
  parameters.sort();
  const rest = parameters.toString();
  return { socket, search: rest === "" ? "" : `?${rest}` };
}
