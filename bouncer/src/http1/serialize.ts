/**
 * Messages as text, each character one byte (latin1). Nothing leaves that would read as more than
 * it is: a line end in a value would be a message of somebody else's making. Pure.
 */
import type { HeaderLines, RawHeaders } from "../http/message.ts";
import { isFieldValue, isToken } from "./grammar.ts";

/** What a codec adds to a head about its own connection; Content-Length is among the headers. */
export interface WireFraming {
  readonly isChunked: boolean;
  /** Value of Connection; null: none is needed. */
  readonly connection: "close" | "keep-alive" | "TE" | "Upgrade" | null;
}

/** A message that cannot be written; a bug of whoever made it. */
export class UnwritableError extends TypeError {
  override readonly name = "UnwritableError";
  readonly code = "HTTP1_UNWRITABLE";
}

function unwritable(what: string): never {
  throw new UnwritableError(`Cannot write HTTP/1.1 message: ${what}`);
}

export function formatRequestHead(
  method: string,
  target: string,
  headers: RawHeaders | HeaderLines,
  framing: WireFraming,
): string {
  if (!isToken(method)) unwritable("method is not a token");
  if (!isTarget(target)) unwritable("target has invalid characters");
  return `${method} ${target} HTTP/1.1\r\n${textOf(headers)}${formatFraming(framing)}\r\n`;
}

export function formatResponseHead(
  status: number,
  reason: string,
  headers: RawHeaders | HeaderLines,
  framing: WireFraming,
): string {
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    unwritable("status is not a number from 100 to 999");
  }
  if (!isFieldValue(reason)) unwritable("reason phrase has invalid characters");
  return `HTTP/1.1 ${status} ${reason}\r\n${textOf(headers)}${formatFraming(framing)}\r\n`;
}

const invalidTarget = /[^\x21-\x7e]/;

function isTarget(target: string): boolean {
  return target !== "" && !invalidTarget.test(target);
}

/** Names that were found to be tokens; the same few come again and again. */
const sound = new Set<string>();
const maxSound = 1000;

function isSoundName(name: string): boolean {
  if (sound.has(name)) return true;
  if (!isToken(name)) return false;
  if (sound.size < maxSound && name.length <= 40) sound.add(name);
  return true;
}

function textOf(headers: RawHeaders | HeaderLines): string {
  return "text" in headers ? headers.text : formatHeaders(headers);
}

/** Each line with its end. */
export function formatHeaders(rawHeaders: RawHeaders): string {
  let lines = "";
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    if (!isSoundName(name)) unwritable("a header's name is not a token");
    if (!isFieldValue(value)) unwritable(`value of ${name} has invalid characters`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function formatFraming({ isChunked, connection }: WireFraming): string {
  const encoding = isChunked ? "Transfer-Encoding: chunked\r\n" : "";
  return connection === null ? encoding : `Connection: ${connection}\r\n${encoding}`;
}

/** What stands before the data of a chunk; behind it stands CR LF. */
export function formatChunkHead(bytes: number): string {
  // A chunk of no bytes would be the last (RFC 9112, 7.1).
  if (!Number.isSafeInteger(bytes) || bytes <= 0) unwritable("a chunk is not of one byte or more");
  return `${bytes.toString(16)}\r\n`;
}

/** The last chunk and the trailers. */
export function formatLastChunk(trailers: RawHeaders): string {
  return trailers.length === 0 ? "0\r\n\r\n" : `0\r\n${formatHeaders(trailers)}\r\n`;
}
