/**
 * The header or trailer section (RFC 9112, 5 and 7.1.2): one pass over its characters that keeps
 * each line and notes what frames the message. Hand-written, since every request passes here.
 */
import { colon, cr, lf, space, tab, tokenChars, valueChars } from "./grammar.ts";
import { hashStep, nameAt, role } from "./head-names.ts";

export interface FieldOptions {
  readonly maxHeaders: number;
  /** Folded lines become one (RFC 9112, 5.2): what a proxy may do with a response. */
  readonly unfold: boolean;
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
  problem: string | null = null;
  isTooMany = false;

  add(name: string, what: number, value: string): void {
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
  }
}

/** Lines of one list header are one list (RFC 9110, 5.3). */
function join(list: string, value: string): string {
  return list === "" ? value : `${list},${value}`;
}

function fail(fields: Fields, problem: string): Fields {
  fields.problem = problem;
  return fields;
}

// oxlint-disable-next-line complexity -- one loop over characters: calls within it would cost more
/** The lines from `from` to the blank line that ends `text`. */
export function readFields(text: string, from: number, options: FieldOptions): Fields {
  const fields = new Fields();
  const end = text.length - 2;
  if (end < from || !text.endsWith("\r\n")) return fail(fields, "header section has no end");
  let at = from;
  while (at < end) {
    if (fields.raw.length >= 2 * options.maxHeaders) {
      fields.isTooMany = true;
      return fail(fields, `more than ${options.maxHeaders} headers`);
    }
    let hash = 0;
    let i = at;
    let code = text.charCodeAt(i);
    while (tokenChars[code] === 1) {
      hash = hashStep(hash, code);
      code = text.charCodeAt(++i);
    }
    if (code !== colon || i === at) return fail(fields, nameProblem(code, i === at));
    const name = nameAt(text, at, i, hash);
    do code = text.charCodeAt(++i);
    while (code === space || code === tab);
    const start = i;
    while (valueChars[code] === 1) code = text.charCodeAt(++i);
    if (code !== cr || text.charCodeAt(i + 1) !== lf) return fail(fields, valueProblem(code));
    at = i + 2;
    const next = text.charCodeAt(at);
    if (next !== space && next !== tab) {
      fields.add(name.name, name.role, text.slice(start, trimmedEnd(text, start, i)));
      continue;
    }
    if (!options.unfold) return fail(fields, "a header is folded over lines");
    at = foldEnd(text, at);
    if (at === -1) return fail(fields, valueProblem(0));
    fields.add(name.name, name.role, unfold(text.slice(start, at - 2)));
  }
  return fields;
}

function trimmedEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start) {
    const code = text.charCodeAt(at - 1);
    if (code !== space && code !== tab) return at;
    at--;
  }
  return at;
}

/** Behind the last of the lines that go on at `from`; -1: one of them has an invalid character. */
function foldEnd(text: string, from: number): number {
  let at = from;
  let code = text.charCodeAt(at);
  while (code === space || code === tab) {
    while (valueChars[code] === 1) code = text.charCodeAt(++at);
    if (code !== cr || text.charCodeAt(at + 1) !== lf) return -1;
    at += 2;
    code = text.charCodeAt(at);
  }
  return at;
}

function unfold(value: string): string {
  return value.replaceAll(/[ \t]*\r\n[ \t]+/g, " ").replaceAll(/^[ \t]+|[ \t]+$/g, "");
}

function nameProblem(code: number, isFirst: boolean): string {
  if (isFirst && code === colon) return "a header has no name";
  if (isFirst && (code === space || code === tab)) return "a header is folded over lines";
  if (code === space || code === tab) return "a header has whitespace before its colon";
  if (code === cr || code === lf) return "a header line has no colon";
  return "a header name has an invalid character";
}

function valueProblem(code: number): string {
  if (code === cr || code === lf) return "a line does not end with CR LF";
  return "a header value has an invalid character";
}
