/**
 * Reads HTTP/1.1 messages off a stream of bytes, strictly, and only when asked: what has not been
 * asked for stays as the bytes that it is. No parser of the product, so that it finds their faults.
 */
import { createHash } from "node:crypto";

export type Headers = readonly (readonly [name: string, value: string])[];

/** Of a body, this much is kept as text; of all of it, length and digest. */
const keptBytes = 4 * 1024 * 1024;

export class Message {
  readonly line: string;
  readonly headers: Headers;
  trailers: Headers = [];
  isComplete = false;
  length = 0;
  readonly #hash = createHash("sha256");
  readonly #kept: Buffer[] = [];

  constructor(line: string, headers: Headers) {
    this.line = line;
    this.headers = headers;
  }

  get status(): number {
    return Number(this.line.split(" ")[1]);
  }

  values(name: string): string[] {
    return valuesOf(this.headers, name);
  }

  get body(): string {
    return Buffer.concat(this.#kept).toString("latin1");
  }

  take(chunk: Buffer): void {
    if (this.length < keptBytes) this.#kept.push(Buffer.from(chunk));
    this.length += chunk.length;
    this.#hash.update(chunk);
  }

  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

export function digestOf(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function valuesOf(headers: Headers, name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

/** What came is no message. */
export class Malformed extends Error {}

const tokenLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s;

function parseHeaders(lines: readonly string[]): Headers {
  return lines.map((line) => {
    const [, name, value] = tokenLine.exec(line) ?? [];
    if (name === undefined || value === undefined || /[\r\n\0]/.test(value)) {
      throw new Malformed(`a header that is none: ${JSON.stringify(line)}`);
    }
    return [name, value];
  });
}

type Framing =
  | { readonly kind: "length"; left: number }
  | { readonly kind: "size" }
  | { readonly kind: "chunk"; left: number }
  | { readonly kind: "trailers" }
  | { readonly kind: "close" };

export interface Expected {
  readonly kind: "request" | "response";
  /** The answer to HEAD, or to a CONNECT that was accepted: there is no body. */
  readonly bodyless?: boolean;
}

export class Reader {
  #chunks: Buffer[] = [];
  #length = 0;
  #message: Message | null = null;
  #framing: Framing = { kind: "size" };

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** What came and was not read. */
  get pending(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.of();
  }

  get pendingLength(): number {
    return this.#length;
  }

  takeAll(): Buffer {
    const all = this.pending;
    this.#chunks = [];
    this.#length = 0;
    return all;
  }

  #consume(length: number): Buffer {
    const all = this.takeAll();
    if (length < all.length) this.push(all.subarray(length));
    return all.subarray(0, length);
  }

  /** The head of the next message, as soon as it is there. Its body is read by `pump`. */
  next(expected: Expected): Message | null {
    const end = this.pending.indexOf("\r\n\r\n");
    if (end === -1) return null;
    const text = this.#consume(end + 4).toString("latin1", 0, end);
    const [line = "", ...lines] = text.split("\r\n");
    const form =
      expected.kind === "request"
        ? /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-\xff]+ HTTP\/1\.[01]$/
        : /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\xff]*)?$/;
    if (!form.test(line)) throw new Malformed(`a first line that is none: ${JSON.stringify(line)}`);
    const message = new Message(line, parseHeaders(lines));
    this.#message = message;
    this.#framing = framingOf(message, expected);
    this.pump(false);
    return message;
  }

  /** Reads the body as far as it has come; `ended`: nothing more does. */
  pump(ended: boolean): void {
    const message = this.#message;
    if (message === null) return;
    while (!message.isComplete && this.#step(message));
    if (message.isComplete) this.#message = null;
    else if (ended && this.#framing.kind === "close") {
      message.isComplete = true;
      this.#message = null;
    }
  }

  /** False: more bytes are needed. */
  #step(message: Message): boolean {
    const framing = this.#framing;
    switch (framing.kind) {
      case "length":
        if (framing.left > 0) framing.left -= this.#body(message, framing.left);
        message.isComplete = framing.left === 0;
        return message.isComplete;
      case "close":
        this.#body(message, this.#length);
        return false;
      case "size":
        return this.#size();
      case "chunk":
        return this.#chunk(message, framing);
      case "trailers":
        return this.#trailers(message);
      default:
        return framing satisfies never;
    }
  }

  #body(message: Message, most: number): number {
    const bytes = this.#consume(Math.min(most, this.#length));
    if (bytes.length > 0) message.take(bytes);
    return bytes.length;
  }

  #size(): boolean {
    const end = this.pending.indexOf("\r\n");
    if (end === -1) return false;
    const line = this.#consume(end + 2).toString("latin1", 0, end);
    const [, digits] = /^([0-9a-f]+)(?:[ \t]*;.*)?$/i.exec(line) ?? [];
    if (digits === undefined) throw new Malformed(`a chunk size that is none: ${line}`);
    const size = Number.parseInt(digits, 16);
    this.#framing = size === 0 ? { kind: "trailers" } : { kind: "chunk", left: size };
    return true;
  }

  #chunk(message: Message, framing: { left: number }): boolean {
    if (framing.left > 0) framing.left -= this.#body(message, framing.left);
    if (framing.left > 0 || this.#length < 2) return false;
    if (this.#consume(2).toString() !== "\r\n") throw new Malformed("a chunk without its end");
    this.#framing = { kind: "size" };
    return true;
  }

  #trailers(message: Message): boolean {
    const bytes = this.pending;
    const end = bytes.subarray(0, 2).toString() === "\r\n" ? 0 : bytes.indexOf("\r\n\r\n");
    if (end === -1) return false;
    const text = this.#consume(end === 0 ? 2 : end + 4).toString("latin1", 0, end);
    message.trailers = text === "" ? [] : parseHeaders(text.split("\r\n"));
    message.isComplete = true;
    return false;
  }
}

/** RFC 9112, 6.3; what could be read in two ways is malformed. */
function framingOf(message: Message, { kind, bodyless = false }: Expected): Framing {
  const encodings = message.values("transfer-encoding");
  const lengths = message.values("content-length");
  if (encodings.length > 1 || lengths.length > 1) throw new Malformed("two framings");
  const isBodyless =
    kind === "response" &&
    (bodyless || message.status < 200 || [204, 304].includes(message.status));
  if (isBodyless) return { kind: "length", left: 0 };
  const [encoding] = encodings;
  const [length] = lengths;
  if (encoding !== undefined) {
    if (length !== undefined) throw new Malformed("Transfer-Encoding and Content-Length");
    if (encoding.toLowerCase() !== "chunked") throw new Malformed(`encoding ${encoding}`);
    return { kind: "size" };
  }
  if (length !== undefined) {
    if (!/^\d+$/.test(length)) throw new Malformed(`length ${length}`);
    return { kind: "length", left: Number(length) };
  }
  return kind === "request" ? { kind: "length", left: 0 } : { kind: "close" };
}
