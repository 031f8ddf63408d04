/**
 * The header or trailer section (RFC 9112, 5 and 7.1.2): one pass over its bytes that keeps each
 * line and notes what frames the message. Written by hand: every message passes here, and bytes are
 * read four times as fast as the characters of a string or the groups of a pattern.
 */
import { colon, cr, lf, space, tab, tokenChars, trimSpace, valueChars } from "./grammar.ts";
import { type HeaderName, lookUpName, role } from "./head-names.ts";

export interface FieldOptions {
  readonly maxHeaders: number;
  /** Folded lines become one (RFC 9112, 5.2): what a proxy may do with a response. */
  readonly unfold: boolean;
}

/** Bytes with their text: character `i` of it is byte `start + i`. */
export interface Section {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly start: number;
  /** Ends with CR LF, at which every loop over its bytes stops. */
  readonly end: number;
}

/** What the lines of a section say; `problem` is null where all of them are well-formed. */
export class Fields {
  readonly raw: string[] = [];
  /** Roles that are there, and those that are there more than once. */
  seen = 0;
  repeated = 0;
  contentLength = "";
  transferEncoding = "";
  connection = "";
  upgrade = "";
  expect = "";
  keepAlive = "";
  proxyConnection = "";
  problem: string | null = null;
  isTooMany = false;

  /** -1, for the caller to return. */
  fail(problem: string): number {
    this.problem = problem;
    return -1;
  }

  add({ name, role: what }: HeaderName, value: string): void {
    this.raw.push(name, value);
    if (what !== role.none) this.#note(what, value);
  }

  #note(what: number, value: string): void {
    this.repeated |= this.seen & what;
    this.seen |= what;
    if (what === role.contentLength) this.contentLength = value;
    else if (what === role.transferEncoding) this.transferEncoding = value;
    else if (what === role.connection) this.connection = join(this.connection, value);
    else if (what === role.upgrade) this.upgrade = join(this.upgrade, value);
    else if (what === role.expect) this.expect = value;
    else if (what === role.keepAlive) this.keepAlive = join(this.keepAlive, value);
    else if (what === role.proxyConnection) {
      this.proxyConnection = join(this.proxyConnection, value);
    }
  }
}

/** Lines of one list header are one list (RFC 9110, 5.3). */
function join(list: string, value: string): string {
  return list === "" ? value : `${list},${value}`;
}

/** The lines from `from` to the empty one that ends the section. */
export function readFields(section: Section, from: number, options: FieldOptions): Fields {
  const fields = new Fields();
  const last = section.end - 2;
  let at = from;
  while (at < last && at !== -1) {
    if (fields.raw.length >= 2 * options.maxHeaders) {
      fields.problem = `more than ${options.maxHeaders} headers`;
      fields.isTooMany = true;
      return fields;
    }
    at = readLine(section, at, options.unfold, fields);
  }
  return fields;
}

/** Answers with what is behind the line; -1: it is malformed. */
function readLine(section: Section, at: number, unfolds: boolean, fields: Fields): number {
  const { bytes, text, start } = section;
  const nameEnd = endOfClass(bytes, at, tokenChars);
  const isFirst = nameEnd === at;
  if (isFirst || bytes[nameEnd] !== colon) {
    return fields.fail(nameProblem(bytes[nameEnd], isFirst));
  }
  const name = lookUpName(text.slice(at - start, nameEnd - start), bytes, at, nameEnd);
  const from = skipSpace(bytes, nameEnd + 1);
  let end = endOfClass(bytes, from, valueChars);
  const isFolded = isLineEnd(bytes, end) && isSpace(bytes[end + 2]);
  if (isFolded) end = unfolds ? foldEnd(bytes, end) : -1;
  if (end === -1) return fields.fail(folded);
  if (!isLineEnd(bytes, end)) return fields.fail(valueProblem(bytes[end]));
  const value = isFolded
    ? unfold(text.slice(from - start, end - start))
    : text.slice(from - start, trimmedEnd(bytes, from, end) - start);
  fields.add(name, value);
  return end + 2;
}

/** The first byte from `from` on that is not of the class. */
export function endOfClass(bytes: Uint8Array, from: number, chars: Uint8Array): number {
  let at = from;
  while (chars[bytes[at] ?? 0] === 1) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === space || byte === tab;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

function trimmedEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = end;
  while (at > from && isSpace(bytes[at - 1])) at--;
  return at;
}

export function isLineEnd(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === cr && bytes[at + 1] === lf;
}

/**
 * The end of the last of the lines that go on behind the line end at `from`; -1: one of them is
 * empty but for whitespace, which some take for the end of the head.
 */
function foldEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isLineEnd(bytes, at) && isSpace(bytes[at + 2])) {
    const first = skipSpace(bytes, at + 2);
    at = endOfClass(bytes, first, valueChars);
    if (at === first) return -1;
  }
  return at;
}

function unfold(value: string): string {
  return trimSpace(value.replaceAll(/\r\n[ \t]+/g, " "));
}

const folded = "a header is folded over lines";

function nameProblem(byte: number | undefined, isFirst: boolean): string {
  if (isFirst && byte === colon) return "a header has no name";
  if (isFirst && isSpace(byte)) return folded;
  if (isSpace(byte)) return "a header has whitespace before its colon";
  if (byte === cr || byte === lf) return "a header line has no colon";
  return "a header name has an invalid character";
}

function valueProblem(byte: number | undefined): string {
  if (byte === cr || byte === lf) return "a line does not end with CR LF";
  return "a header value has an invalid character";
}
