/**
 * Header lists (name, value, name, value, ...) on their way through: what is for this hop only
 * goes, what a client must not say about itself goes, what the bouncer knows is added, order and
 * case of the rest stay. Pure.
 */
import type { RawHeaders } from "../http/message.ts";
import type { Header } from "../policy/decision.ts";
import { foldName, kind, kindOf } from "./header-kind.ts";

/** All values of a header, in order; `name` is lower case. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.length === name.length && headers[i]?.toLowerCase() === name) {
      values.push(headers[i + 1] ?? "");
    }
  }
  return values;
}

function listItems(list: string): string[] {
  return list
    .split(",")
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== "");
}

/** Without what Connection makes part of this hop. Framing is not Connection's to remove. */
function withoutNamed(headers: string[], connection: string): string[] {
  if (connection === "" || /^(?:keep-alive|close|upgrade)$/i.test(connection)) return headers;
  const named = new Set(listItems(connection).map(foldName));
  return filterHeaders(headers, (name, bits) => {
    return (bits & kind.framing) !== 0 || !named.has(foldName(name));
  });
}

function filterHeaders(
  headers: RawHeaders,
  isKept: (name: string, bits: number) => boolean,
): string[] {
  const out: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (isKept(name, kindOf(name))) out.push(name, headers[i + 1] ?? "");
  }
  return out;
}

function appendTo(list: string, value: string): string {
  return list === "" ? value : `${list}, ${value}`;
}

export interface Forwarding {
  /** Address of the socket's other end. */
  readonly peer: string;
  /** The peer may say who its client is. */
  readonly trusted: boolean;
  readonly scheme: "http" | "https";
  /** Protocol of an upgrade that is carried through, else null. */
  readonly upgrade: string | null;
  /** Value of Via; null: none is added. */
  readonly via: string | null;
}

/** What a list of headers says about its message, and what of it goes on. */
interface Sorted {
  readonly out: string[];
  connection: string;
  host: string;
  acceptsTrailers: boolean;
  forwardedFor: string;
  proto: string;
  forwardedHost: string;
  forwarded: string;
}

/**
 * The headers that policy and application both get. Who the client is comes from the socket; a
 * trusted peer's word is kept and added to.
 */
export function buildRequestHeaders(headers: RawHeaders, to: Forwarding): string[] {
  const sorted: Sorted = {
    out: [],
    connection: "",
    host: "",
    acceptsTrailers: false,
    forwardedFor: "",
    proto: to.scheme,
    forwardedHost: "",
    forwarded: "",
  };
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const bits = kindOf(name);
    if ((bits & special) === 0) sorted.out.push(name, value);
    else sortSpecial(sorted, { name, value, bits, trusted: to.trusted });
  }
  const out = withoutNamed(sorted.out, sorted.connection);
  if (to.upgrade !== null) out.push("Connection", "Upgrade", "Upgrade", to.upgrade);
  // We pass trailers on, in both directions (RFC 9110, 10.1.4).
  if (sorted.acceptsTrailers) out.push("TE", "trailers");
  out.push("X-Forwarded-For", appendTo(sorted.forwardedFor, to.peer));
  out.push("X-Forwarded-Proto", sorted.proto);
  out.push("X-Forwarded-Host", sorted.forwardedHost === "" ? sorted.host : sorted.forwardedHost);
  if (sorted.forwarded !== "") {
    out.push("Forwarded", appendTo(sorted.forwarded, `for=${formatNode(to.peer)}`));
  }
  if (to.via !== null) out.push("Via", to.via);
  return out;
}

const special = kind.hopByHop | kind.identity | kind.ours | kind.host;

interface Line {
  readonly name: string;
  readonly value: string;
  readonly bits: number;
  readonly trusted: boolean;
}

function sortSpecial(to: Sorted, line: Line): void {
  const { name, value, bits } = line;
  if ((bits & kind.host) !== 0) {
    to.out.push(name, value);
    to.host = value;
  } else if ((bits & kind.connection) !== 0) to.connection = appendTo(to.connection, value);
  else if ((bits & kind.te) !== 0) to.acceptsTrailers ||= listItems(value).includes("trailers");
  else if ((bits & kind.identity) !== 0 && line.trusted) sortIdentity(to, line);
}

function sortIdentity(to: Sorted, { name, value, bits }: Line): void {
  if ((bits & kind.forwardedFor) !== 0) to.forwardedFor = appendTo(to.forwardedFor, value);
  else if ((bits & kind.forwardedProto) !== 0) to.proto = value;
  else if ((bits & kind.forwardedHost) !== 0) to.forwardedHost = value;
  else if ((bits & kind.forwarded) !== 0) to.forwarded = appendTo(to.forwarded, value);
  else to.out.push(name, value);
}

/** RFC 7239, 6: an IPv6 address is in brackets, and in quotes because of its colons. */
function formatNode(address: string): string {
  return address.includes(":") ? `"[${address}]"` : address;
}

/** What the verdict changes on the way to the application. */
export function applyRequestHeaders(
  headers: RawHeaders,
  set: readonly Header[],
  remove: readonly string[],
): RawHeaders {
  if (set.length === 0 && remove.length === 0) return headers;
  const gone = new Set([...set.map(([name]) => foldName(name)), ...remove.map(foldName)]);
  const out = filterHeaders(headers, (name, bits) => {
    return (bits & kind.framing) !== 0 || !gone.has(foldName(name));
  });
  pushAll(out, set);
  return out;
}

function pushAll(out: string[], added: readonly Header[]): void {
  for (const [name, value] of added) {
    if ((kindOf(name) & kind.framing) === 0) out.push(name, value);
  }
}

/** Without what the codec writes by itself. */
export function withoutUpgrade(headers: RawHeaders): string[] {
  return filterHeaders(headers, (name) => !/^(?:upgrade|connection)$/i.test(name));
}

/**
 * The application's headers for the client, and what the verdict adds to them. `date`: for an
 * answer that has none (RFC 9110, 6.6.1).
 */
export function buildResponseHeaders(
  headers: RawHeaders,
  add: readonly Header[],
  date: string | null,
): string[] {
  const kept: string[] = [];
  let connection = "";
  let seen = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const bits = kindOf(name);
    seen |= bits;
    if ((bits & (kind.hopByHop | kind.ours)) === 0 || (bits & kind.trailer) !== 0) {
      kept.push(name, value);
    } else if ((bits & kind.connection) !== 0) connection = appendTo(connection, value);
  }
  const out = withoutNamed(kept, connection);
  if (date !== null && (seen & kind.date) === 0) out.push("Date", date);
  pushAll(out, add);
  return out;
}

/** The headers of 101 Switching Protocols: the one response whose Upgrade is for the client. */
export function buildSwitchHeaders(headers: RawHeaders, add: readonly Header[]): string[] {
  const out = buildResponseHeaders(headers, add, null);
  const protocol = valuesOf(headers, "upgrade")[0];
  if (protocol !== undefined) out.push("Upgrade", protocol);
  return out;
}

/** Trailers may not say what belongs into the head (RFC 9110, 6.5.1). */
export function buildTrailers(trailers: RawHeaders): RawHeaders {
  if (trailers.length === 0) return trailers;
  return filterHeaders(trailers, (_name, bits) => (bits & (kind.framing | kind.ours)) === 0);
}

/** What a verdict says about the headers of a request. */
interface Edits {
  readonly requestHeaders: readonly Header[];
  readonly requestHeadersToRemove: readonly string[];
}

/**
 * Trailers of a request say nothing about who the client is, either, and do not undo what the
 * verdict changed: some take them for headers.
 */
export function buildRequestTrailers(trailers: RawHeaders, edits: Edits): RawHeaders {
  if (trailers.length === 0) return trailers;
  const gone = kind.framing | kind.ours | kind.identity | kind.authorization | kind.contentType;
  const kept = filterHeaders(trailers, (_name, bits) => (bits & gone) === 0);
  const changed = [...edits.requestHeaders.map(([name]) => name), ...edits.requestHeadersToRemove];
  return applyRequestHeaders(kept, [], changed);
}

/** The headers of a refusal that the policy chose, without those that the bouncer writes. */
export function buildRefusalHeaders(headers: readonly Header[]): string[] {
  return headers.flatMap(([name, value]) => {
    return (kindOf(name) & (kind.framing | kind.ours)) === 0 ? [name, value] : [];
  });
}
