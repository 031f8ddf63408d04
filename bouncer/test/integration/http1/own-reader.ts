/** What our codec makes of all bytes that one side of a connection sends. */
import { ChunkedDecoder } from "../../../src/http1/chunked.ts";
import { findHeadEnd, hopeless, incomplete, skipEmptyLines } from "../../../src/http1/head-end.ts";
import type { Malformed } from "../../../src/http1/head-line.ts";
import {
  type ParsedRequest,
  type ParsedResponse,
  parseRequest,
  parseResponse,
} from "../../../src/http1/head.ts";

/** As both readers describe a message. */
export interface Message {
  /** Method and target, or status and reason; and the minor version. */
  readonly line: readonly (string | number)[];
  readonly headers: readonly string[];
  /** latin1. */
  body: string;
  trailers: readonly string[];
  isComplete: boolean;
}

export interface Reading {
  readonly messages: Message[];
  /** `closed`: whatever follows is not read; `partial`: more bytes could make more of it. */
  end: "clean" | "partial" | "closed" | "malformed" | "switched";
  problem: string;
  /** Where the heads are in the bytes; of our readings only. */
  readonly heads: [start: number, end: number][];
}

const limits = { maxHeaderBytes: 16_384, maxHeaders: 200 };

function isMalformed(parsed: { kind: string }): parsed is Malformed {
  return parsed.kind === "malformed";
}

class OwnReader {
  readonly reading: Reading = { messages: [], end: "clean", problem: "", heads: [] };
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isOver(): boolean {
    return this.reading.end !== "clean" || this.#at >= this.#bytes.length;
  }

  stop(end: Reading["end"], problem = ""): null {
    this.reading.end = end;
    this.reading.problem = problem;
    return null;
  }

  skipEmptyLines(): void {
    this.#at = skipEmptyLines(this.#bytes, this.#at);
  }

  head<T extends ParsedRequest | ParsedResponse>(
    parse: (start: number, end: number) => T | Malformed,
  ): T | null {
    const end = findHeadEnd(this.#bytes, this.#at);
    if (end === incomplete) return this.stop("partial");
    if (end === hopeless) return this.stop("malformed", "hopeless");
    const parsed = parse(this.#at, end);
    this.reading.heads.push([this.#at, end]);
    this.#at = end;
    return isMalformed(parsed) ? this.stop("malformed", parsed.detail) : parsed;
  }

  /** `length`: null: chunked; infinite: as long as there are bytes. */
  body(message: Message, length: number | null): void {
    this.reading.messages.push(message);
    if (length === null) {
      this.#chunked(message);
      return;
    }
    const end = Math.min(this.#bytes.length, this.#at + length);
    message.body = this.#bytes.toString("latin1", this.#at, end);
    message.isComplete = end - this.#at === length || length === Number.POSITIVE_INFINITY;
    this.#at = end;
    if (!message.isComplete) this.stop("partial");
  }

  #chunked(message: Message): void {
    const decoder = new ChunkedDecoder(limits);
    const bytes = this.#bytes;
    this.#at = decoder.decode(bytes, this.#at, (from, to) => {
      message.body += bytes.toString("latin1", from, to);
    });
    message.trailers = decoder.trailers;
    message.isComplete = decoder.state === "done";
    if (decoder.state === "malformed") this.stop("malformed", decoder.problem);
    else if (!message.isComplete) this.stop("partial");
  }
}

function describe(line: readonly (string | number)[], headers: readonly string[]): Message {
  return { line, headers, body: "", trailers: [], isComplete: false };
}

export function readRequests(bytes: Buffer): Reading {
  const reader = new OwnReader(bytes);
  while (!reader.isOver) {
    reader.skipEmptyLines();
    if (reader.isOver) break;
    const head = reader.head((start, end) => parseRequest(bytes, start, end, limits));
    if (head === null) break;
    const { method, target, version, rawHeaders } = head;
    const minor = version === "1.1" ? 1 : 0;
    reader.body(describe([method, target, minor], rawHeaders), head.bodyLength);
    // Node's server loses what it has read behind a request for an upgrade that it does not make.
    const isRead = head.isKeptAlive && head.upgrade.length === 0;
    if (reader.reading.end === "clean" && !isRead) reader.stop("closed");
  }
  return reader.reading;
}

/** The interim responses and the first final one. */
export function readResponse(bytes: Buffer, method: string): Reading {
  const reader = new OwnReader(bytes);
  while (reader.reading.end === "clean") {
    const head = reader.head((start, end) => parseResponse(bytes, start, end, { method }));
    if (head === null) break;
    const { status, reason, minor, rawHeaders, framing, bodyLength } = head;
    const message = describe([status, reason, minor], rawHeaders);
    const length = framing === "close" ? Number.POSITIVE_INFINITY : bodyLength;
    reader.body(message, length);
    if (reader.reading.end !== "clean") break;
    if (status === 101) reader.stop("switched");
    else if (status >= 200) reader.stop("closed");
  }
  return reader.reading;
}

/** The same bytes without folded lines in what our reader has found to be heads (RFC 9112, 5.2). */
export function unfoldHeads(bytes: Buffer, { heads }: Reading): Buffer {
  let text = "";
  let at = 0;
  for (const [start, end] of heads) {
    text += bytes.toString("latin1", at, start);
    text += bytes.toString("latin1", start, end).replaceAll(/\r\n[ \t]+/g, " ");
    at = end;
  }
  return Buffer.from(text + bytes.toString("latin1", at), "latin1");
}
