/** A connection in memory, and at its other end somebody who speaks HTTP/2 frame by frame. */
import type { ByteStreamListener } from "../../src/http/message.ts";
import { errorCodeName } from "../../src/http2/error-code.ts";
import type { FrameVisitor } from "../../src/http2/frame.ts";
import { FrameReader } from "../../src/http2/frame-reader.ts";
import { FrameWriter } from "../../src/http2/frame-writer.ts";
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import type { Setting } from "../../src/http2/settings.ts";
import type { Wire } from "../../src/http2/wire.ts";

export class MemoryWire implements Wire {
  listener: ByteStreamListener | null = null;
  /** What became of it: `closed`, `destroyed`, ... */
  state: "open" | "ended" | "closed" | "destroyed" = "open";
  isPaused = false;
  /** Takes nothing more until `drain`. */
  isFull = false;
  pendingBytes = 0;
  onBytes: (bytes: Buffer) => void = () => undefined;

  attach(listener: ByteStreamListener): void {
    this.listener = listener;
  }

  keepShared(): void {
    // Nothing is shared in memory.
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  write(chunk: Buffer): boolean {
    this.onBytes(Buffer.from(chunk));
    if (this.isFull) this.pendingBytes += chunk.length;
    return !this.isFull;
  }

  drain(): void {
    this.isFull = false;
    this.pendingBytes = 0;
    this.listener?.onDrain();
  }

  whenSent(done: () => void): void {
    if (this.pendingBytes === 0) done();
  }

  end(): void {
    this.state = "ended";
  }

  reset(): void {
    this.destroy();
  }

  destroy(): void {
    this.state = "destroyed";
    this.listener?.onClose(false);
  }

  close(): void {
    this.state = "closed";
  }
}

function end(isEnd: boolean): string {
  return isEnd ? " END" : "";
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** Writes what it is told to, in order or not, and tells what it gets in lines of text. */
export class RawPeer {
  readonly wire = new MemoryWire();
  readonly frames = new FrameWriter();
  readonly #encoder = new HpackEncoder({ maxTableSize: 4096, decide: () => "literal" });
  readonly #reader: FrameReader;
  #got: string[] = [];

  constructor(role: "client" | "server", settings: readonly Setting[] = []) {
    const decoder = new HpackDecoder({
      maxTableSize: 4096,
      maxListSize: 1_000_000,
      check: () => null,
    });
    const note = (text: string): void => {
      this.#got.push(text);
    };
    const visitor: FrameVisitor = {
      onData: (id, bytes, isEnd) => {
        const text = bytes.length > 40 ? `${bytes.length} bytes` : JSON.stringify(String(bytes));
        note(`DATA ${id} ${text}${end(isEnd)}`);
      },
      onHeaders: (id, block, isEnd) => {
        const fields: string[] = [];
        decoder.decode(block, ({ name, value }) => fields.push(`${name}=${value}`));
        note(`HEADERS ${id} ${fields.join(" ")}${end(isEnd)}`);
      },
      onReset: (id, code) => {
        note(`RST_STREAM ${id} ${errorCodeName(code)}`);
      },
      onSettings: (entries) => {
        note(`SETTINGS ${entries.map(({ id, value }) => `${id}=${value}`).join(" ")}`);
      },
      onSettingsAck: () => {
        note("SETTINGS ACK");
      },
      onPing: (data, isAck) => {
        note(`PING ${data.toString("latin1")}${isAck ? " ACK" : ""}`);
      },
      onGoAway: (last, code, debug) => {
        note(`GOAWAY ${last} ${errorCodeName(code)} ${String(debug)}`.trim());
      },
      onWindowUpdate: (id, increment) => {
        note(`WINDOW_UPDATE ${id} ${increment}`);
      },
      onIgnored: (type) => {
        note(`type ${type}`);
      },
      onProblem: ({ detail }) => {
        note(`PROBLEM ${detail}`);
      },
    };
    this.#reader = new FrameReader(visitor, {
      role,
      maxFrameSize: 16_384,
      maxBlockBytes: 1_000_000,
    });
    this.wire.onBytes = (bytes) => {
      this.#reader.read(bytes);
    };
    if (role === "client") this.frames.preface();
    this.frames.settings(settings);
  }

  headers(id: number, fields: Fields, endStream: boolean): this {
    this.frames.headers(id, this.block(fields), endStream);
    return this;
  }

  block(fields: Fields): Buffer {
    this.#encoder.begin();
    for (const [name, value] of fields) this.#encoder.field(name, value, false);
    return Buffer.from(this.#encoder.end());
  }

  data(id: number, text: string | Buffer, endStream: boolean): this {
    this.frames.data(id, Buffer.from(text), endStream);
    return this;
  }

  /** Any frame, however wrong. */
  raw(type: number, flags: number, id: number, payload: Buffer): this {
    this.flush();
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(id, 5);
    this.wire.listener?.onData(Buffer.concat([head, payload]));
    return this;
  }

  /** What was written since, as one read of the other side. */
  flush(): this {
    const bytes = Buffer.from(this.frames.take());
    this.frames.sent();
    if (bytes.length > 0) this.wire.listener?.onData(bytes);
    return this;
  }

  /** Sends, lets the other side's turn end, and answers what has come since the last time. */
  async exchange(): Promise<string[]> {
    this.flush();
    await new Promise((resolve) => setImmediate(resolve));
    const got = this.#got;
    this.#got = [];
    return got;
  }
}
