/**
 * A client of HTTP/2 that sends whatever a case wants it to, in order or not, and says what came of
 * it. What it receives is read by our own reader, so servers are held to the rules for frames, too.
 */
import { connect, type Socket } from "node:net";
import { errorCodeName } from "../../../src/http2/error-code.ts";
import {
  connectionPreface,
  frameFlags,
  frameTypes,
  type FrameProblem,
  type FrameVisitor,
} from "../../../src/http2/frame.ts";
import { FrameReader } from "../../../src/http2/frame-reader.ts";
import { HpackDecoder } from "../../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../src/http2/hpack/encoder.ts";
import type { Setting } from "../../../src/http2/settings.ts";

export type Fields = readonly (readonly [name: string, value: string])[];

/** How long anything may take; and how long it takes to see that nothing comes. */
const deadlineMs = 10_000;
const nothingMs = 200;

/** A frame with any head, however wrong. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer | string = "",
): Buffer {
  const bytes = typeof payload === "string" ? hex(payload) : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

export function settingsFrame(...entries: readonly Setting[]): Buffer {
  const payload = Buffer.alloc(6 * entries.length);
  for (const [at, { id, value }] of entries.entries()) {
    payload.writeUInt16BE(id, at * 6);
    payload.writeUInt32BE(value, at * 6 + 2);
  }
  return frame(frameTypes.SETTINGS, 0, 0, payload);
}

/** Without the dynamic table, so that blocks do not depend on each other. */
export function block(fields: Fields): Buffer {
  const encoder = new HpackEncoder({ maxTableSize: 4096, decide: () => "literal" });
  encoder.begin();
  for (const [name, value] of fields) encoder.field(name, value, false);
  return Buffer.from(encoder.end());
}

export function get(path: string): Fields {
  return [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "app"],
  ];
}

export function post(path: string, ...more: Fields): Fields {
  return [[":method", "POST"], ...get(path).slice(1), ...more];
}

const { END_HEADERS, END_STREAM } = frameFlags;

/** A request that is all head, in order. */
export function request(streamId: number, fields: Fields = get("/")): Buffer {
  return frame(frameTypes.HEADERS, END_HEADERS | END_STREAM, streamId, block(fields));
}

/** The head of a request whose body is to follow. */
export function open(streamId: number, fields: Fields = post("/")): Buffer {
  return frame(frameTypes.HEADERS, END_HEADERS, streamId, block(fields));
}

export const preface = Buffer.from(connectionPreface, "latin1");

interface Answer {
  status: string;
  bytes: number;
  /** `200`, with `END_STREAM`; `RST_STREAM X`: reset before that. */
  end: string | null;
}

export class RawPeer implements FrameVisitor {
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #decoder = new HpackDecoder({
    maxTableSize: 4096,
    maxListSize: 1e6,
    check: () => null,
  });
  readonly #answers = new Map<number, Answer>();
  readonly #pings = new Set<string>();
  #pingCount = 0;
  #goAway: string | null = null;
  #isClosed = false;
  #settings: readonly Setting[] | null = null;
  #wake: () => void = () => undefined;
  /** Frames that came, by type. */
  readonly seen = new Map<string, number>();
  /** Nothing is sent by itself, as it would get between what is sent in parts. */
  #isMidway = false;
  readonly #deadlineMs: number;

  private constructor(socket: Socket, expectsNothing: boolean) {
    this.#deadlineMs = expectsNothing ? nothingMs : deadlineMs;
    this.#socket = socket;
    this.#reader = new FrameReader(this, {
      role: "client",
      maxFrameSize: 16_384,
      maxBlockBytes: 100_000,
    });
    socket.on("data", (chunk: Buffer) => {
      this.#reader.read(chunk);
      this.#wake();
    });
    // Who is sent garbage may well reset the connection: `close` follows.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  static async connect(port: number, expectsNothing = false): Promise<RawPeer> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve) => {
      socket.once("connect", resolve);
    });
    return new RawPeer(socket, expectsNothing);
  }

  /** Nothing is written any more once the other side has closed. */
  send(...chunks: readonly Buffer[]): void {
    if (!this.#isClosed && this.#socket.writable) this.#socket.write(Buffer.concat(chunks));
  }

  /** Each in a packet of its own, as far as anyone can tell. */
  async sendSlowly(bytes: Buffer, size: number): Promise<void> {
    this.#isMidway = true;
    for (let at = 0; at < bytes.length; at += size) {
      this.send(bytes.subarray(at, at + size));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** The beginning that all but a few cases have. */
  async begin(...entries: readonly Setting[]): Promise<void> {
    this.send(preface, settingsFrame(...entries));
    await this.#until(() => this.#settings !== null);
  }

  /** What the server has told by the setting; null: nothing. */
  setting(id: number): number | null {
    return this.#settings?.find((entry) => entry.id === id)?.value ?? null;
  }

  /** Everything that was sent before has been read, and answered if it is at once. */
  async settle(): Promise<void> {
    this.#pingCount += 1;
    const data = this.#pingCount.toString(16).padStart(16, "0");
    this.send(frame(frameTypes.PING, 0, 0, data));
    await this.#until(() => this.#pings.has(data));
  }

  /** Bytes of the body that have come for the stream. */
  bodyBytes(streamId: number): number {
    return this.#answers.get(streamId)?.bytes ?? 0;
  }

  status(streamId: number): string | null {
    return this.#answers.get(streamId)?.status ?? null;
  }

  /**
   * What became of the stream, or of the connection: `200`, `RST_STREAM CODE`, `GOAWAY CODE` when the
   * connection was closed with it, `closed` without; `nothing` if nothing happens.
   */
  async outcome(streamId: number): Promise<string> {
    const ended = (): string | null => this.#answers.get(streamId)?.end ?? null;
    await this.#until(() => ended() !== null || this.isOver);
    const end = ended();
    if (end !== null) return end;
    if (!this.#isClosed && this.#goAway === null) return "nothing";
    // An error of the connection closes it (RFC 9113, 5.4.1).
    await this.#until(() => this.#isClosed);
    if (!this.#isClosed) return `GOAWAY ${this.#goAway ?? ""}, but not closed`;
    return this.#goAway === null ? "closed" : `GOAWAY ${this.#goAway}`;
  }

  /** The connection is, or is about to be. */
  get isOver(): boolean {
    return this.#isClosed || this.#goAway !== null;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Or the connection is closed, or nothing comes for too long. */
  async #until(condition: () => boolean): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      this.#wake();
    }, this.#deadlineMs);
    while (!condition() && !this.#isClosed && !late.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(timer);
  }

  #count(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
  }

  #answer(streamId: number): Answer {
    const known = this.#answers.get(streamId);
    if (known !== undefined) return known;
    const answer: Answer = { status: "", bytes: 0, end: null };
    this.#answers.set(streamId, answer);
    return answer;
  }

  #end(answer: Answer, end: string): void {
    answer.end ??= end;
  }

  onData(streamId: number, bytes: Buffer, endStream: boolean): void {
    const answer = this.#answer(streamId);
    answer.bytes += bytes.length;
    if (endStream) this.#end(answer, answer.status);
  }

  onHeaders(streamId: number, bytes: Buffer, endStream: boolean): void {
    const answer = this.#answer(streamId);
    const decoded = this.#decoder.decode(bytes, ({ name, value }) => {
      if (name === ":status") answer.status = value;
    });
    if (decoded.kind !== "list") throw new Error(`The server's block is ${decoded.kind}`);
    if (endStream) this.#end(answer, answer.status);
  }

  onReset(streamId: number, code: number): void {
    this.#count("RST_STREAM");
    this.#end(this.#answer(streamId), `RST_STREAM ${errorCodeName(code)}`);
  }

  onSettings(entries: readonly Setting[]): void {
    this.#settings = entries;
    if (!this.#isMidway) this.send(frame(frameTypes.SETTINGS, frameFlags.ACK, 0));
  }

  onSettingsAck(): void {
    this.#count("SETTINGS ack");
  }

  onPing(data: Buffer, isAck: boolean): void {
    if (isAck) this.#pings.add(data.toString("hex"));
    else this.send(frame(frameTypes.PING, frameFlags.ACK, 0, data));
    this.#count(isAck ? "PING ack" : "PING");
  }

  onGoAway(_lastStreamId: number, code: number): void {
    this.#count("GOAWAY");
    if (code !== 0) this.#goAway ??= errorCodeName(code);
  }

  onWindowUpdate(): void {
    this.#count("WINDOW_UPDATE");
  }

  onIgnored(): void {
    this.#count("ignored");
  }

  onProblem(problem: FrameProblem): void {
    throw new Error(`The server breaks the rules for frames: ${problem.detail}`);
  }
}
