/**
 * Reads frames as their bytes come, and checks what can be told of each alone (RFC 9113, 4 and 6).
 * Copies only the rest of a frame that has not come whole; DATA is handed on piece by piece. Field
 * blocks are put together here, within bounds, so that no frame gets between their parts (6.10).
 */
import { errorCodes } from "./error-code.ts";
import {
  connectionPreface,
  frameFlags,
  frameHeadBytes,
  frameTypes,
  type FrameVisitor,
} from "./frame.ts";
import { frameFault } from "./frame-fault.ts";
import { blockOf, FrameBlock } from "./frame-block.ts";
import type { Setting } from "./settings.ts";

export interface FrameReaderOptions {
  /** Which end we are: a server reads the preface of the client first (RFC 9113, 3.4). */
  readonly role: "server" | "client";
  /** What we have told the peer by SETTINGS_MAX_FRAME_SIZE. */
  readonly maxFrameSize: number;
  /** Of a field block as it comes, compressed. */
  readonly maxBlockBytes: number;
}

const preface = Buffer.from(connectionPreface, "latin1");
const nothing = Buffer.alloc(0);

/** What the bytes to come are. */
type Phase = "preface" | "head" | "payload" | "data" | "skip" | "stopped";

export class FrameReader {
  readonly #visitor: FrameVisitor;
  readonly #options: FrameReaderOptions;
  #phase: Phase;
  #isFirst = true;
  // The frame that is being read.
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #length = 0;
  // Bytes of it that have come, where not all came at once.
  #head: Buffer = nothing;
  #headLength = 0;
  #prefaceLength = 0;
  #payload: Buffer = nothing;
  #payloadLength = 0;
  // Of DATA: what is to come, and what has come but was not told yet.
  #dataLeft = 0;
  #padLeft = 0;
  #needsPadLength = false;
  #flowControlled = 0;
  readonly #block: FrameBlock;

  constructor(visitor: FrameVisitor, options: FrameReaderOptions) {
    this.#visitor = visitor;
    this.#options = options;
    this.#block = new FrameBlock(options.maxBlockBytes);
    this.#phase = options.role === "server" ? "preface" : "head";
  }

  /** The preface or a field block has begun, and has not ended. */
  get isWithinHead(): boolean {
    const isHeaders = this.#phase === "payload" && this.#type === frameTypes.HEADERS;
    return isHeaders || this.#block.streamId !== 0 || this.#phase === "preface";
  }

  /** Reads no more, from within the visitor too. */
  stop(): void {
    this.#phase = "stopped";
    this.#payload = nothing;
    this.#block.abandon();
  }

  read(chunk: Buffer): void {
    let at = 0;
    const end = chunk.length;
    while (at < end && this.#phase !== "stopped") {
      switch (this.#phase) {
        case "head":
          at = this.#readHead(chunk, at);
          break;
        case "data":
          at = this.#readData(chunk, at);
          break;
        case "payload":
          at = this.#readPayload(chunk, at);
          break;
        case "skip": {
          const count = Math.min(this.#length, end - at);
          this.#length -= count;
          at += count;
          if (this.#length === 0) this.#phase = "head";
          break;
        }
        case "preface":
          at = this.#readPreface(chunk, at);
          break;
      }
    }
  }

  #fail(code: number, detail: string): void {
    this.stop();
    this.#visitor.onProblem({ kind: "connection", code, detail, streamId: this.#streamId });
  }

  #readPreface(chunk: Buffer, from: number): number {
    const count = Math.min(preface.length - this.#prefaceLength, chunk.length - from);
    const expected = this.#prefaceLength;
    if (preface.compare(chunk, from, from + count, expected, expected + count) !== 0) {
      this.#fail(errorCodes.PROTOCOL_ERROR, "the connection does not begin with the preface");
      return chunk.length;
    }
    this.#prefaceLength += count;
    if (this.#prefaceLength === preface.length) this.#phase = "head";
    return from + count;
  }

  #readHead(chunk: Buffer, from: number): number {
    if (this.#headLength === 0 && chunk.length - from >= frameHeadBytes) {
      this.#begin(chunk, from);
      return from + frameHeadBytes;
    }
    if (this.#headLength === 0) this.#head = Buffer.alloc(frameHeadBytes);
    const count = Math.min(frameHeadBytes - this.#headLength, chunk.length - from);
    chunk.copy(this.#head, this.#headLength, from, from + count);
    this.#headLength += count;
    if (this.#headLength === frameHeadBytes) {
      this.#headLength = 0;
      this.#begin(this.#head, 0);
    }
    return from + count;
  }

  #begin(bytes: Buffer, at: number): void {
    const first = bytes.readUInt32BE(at);
    this.#length = first >>> 8;
    this.#type = first & 0xff;
    this.#flags = bytes.readUInt8(at + 4);
    // The first bit is reserved, and ignored (RFC 9113, 4.1).
    this.#streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    if (!this.#isInPlace()) return;
    if (this.#type === frameTypes.DATA) {
      this.#needsPadLength = (this.#flags & frameFlags.PADDED) !== 0;
      this.#dataLeft = this.#length;
      this.#padLeft = 0;
      this.#flowControlled = 0;
      this.#phase = "data";
      if (this.#length === 0) this.#readData(nothing, 0);
    } else if (this.#type > frameTypes.CONTINUATION || this.#type === frameTypes.PRIORITY) {
      this.#phase = this.#length === 0 ? "head" : "skip";
      this.#visitor.onIgnored(this.#type, this.#streamId);
    } else {
      this.#phase = "payload";
      if (this.#length === 0) this.#dispatch(nothing);
    }
  }

  /** Whether a frame with this head may be here at all; else says what is wrong with it. */
  #isInPlace(): boolean {
    if (!this.#isInBlock()) return false;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (this.#type !== frameTypes.SETTINGS || (this.#flags & frameFlags.ACK) !== 0) {
        this.#fail(errorCodes.PROTOCOL_ERROR, "the first frame is not SETTINGS");
        return false;
      }
    }
    if (this.#length > this.#options.maxFrameSize) {
      const detail = `a frame of ${this.#length} bytes, at most ${this.#options.maxFrameSize} are accepted`;
      this.#fail(errorCodes.FRAME_SIZE_ERROR, detail);
      return false;
    }
    return this.#hasNoFault();
  }

  /** Nothing but CONTINUATION within a field block, and nowhere else (RFC 9113, 6.10). */
  #isInBlock(): boolean {
    const ofBlock = this.#block.streamId;
    const isContinuation = this.#type === frameTypes.CONTINUATION;
    if (ofBlock === 0 && !isContinuation) return true;
    if (isContinuation && ofBlock !== 0 && this.#streamId === ofBlock) return true;
    this.#fail(
      errorCodes.PROTOCOL_ERROR,
      ofBlock === 0
        ? "CONTINUATION, but no field block is open"
        : `a frame of type ${this.#type} for stream ${this.#streamId} within the field block of stream ${ofBlock}`,
    );
    return false;
  }

  #hasNoFault(): boolean {
    const fault = frameFault(this.#type, this.#flags, this.#streamId, this.#length);
    if (fault !== null) this.#fail(fault.code, fault.detail);
    return fault === null;
  }

  #readData(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#needsPadLength) {
      const padding = chunk.readUInt8(at);
      at += 1;
      this.#needsPadLength = false;
      this.#flowControlled = 1;
      this.#dataLeft -= 1 + padding;
      this.#padLeft = padding;
      if (this.#dataLeft < 0) {
        this.#fail(errorCodes.PROTOCOL_ERROR, `DATA: ${padding} bytes of padding are too many`);
        return chunk.length;
      }
    }
    const count = Math.min(this.#dataLeft, chunk.length - at);
    const bytes = count === 0 ? nothing : chunk.subarray(at, at + count);
    at += count;
    this.#dataLeft -= count;
    const padding = this.#dataLeft === 0 ? Math.min(this.#padLeft, chunk.length - at) : 0;
    at += padding;
    this.#padLeft -= padding;
    this.#flowControlled += count + padding;
    const isWhole = this.#dataLeft === 0 && this.#padLeft === 0;
    if (isWhole) this.#phase = "head";
    if (isWhole || count > 0) {
      const flowControlled = this.#flowControlled;
      this.#flowControlled = 0;
      const endStream = isWhole && (this.#flags & frameFlags.END_STREAM) !== 0;
      this.#visitor.onData(this.#streamId, bytes, endStream, flowControlled);
    }
    return at;
  }

  #readPayload(chunk: Buffer, from: number): number {
    const available = chunk.length - from;
    if (this.#payloadLength === 0) {
      if (available >= this.#length) {
        const end = from + this.#length;
        this.#dispatch(chunk.subarray(from, end));
        return end;
      }
      this.#payload = Buffer.allocUnsafeSlow(this.#length);
    }
    const count = Math.min(this.#length - this.#payloadLength, available);
    chunk.copy(this.#payload, this.#payloadLength, from, from + count);
    this.#payloadLength += count;
    if (this.#payloadLength === this.#length) {
      const payload = this.#payload;
      this.#payload = nothing;
      this.#payloadLength = 0;
      this.#dispatch(payload);
    }
    return from + count;
  }

  #dispatch(payload: Buffer): void {
    this.#phase = "head";
    switch (this.#type) {
      case frameTypes.HEADERS:
        this.#onHeaders(payload);
        break;
      case frameTypes.CONTINUATION:
        this.#onContinuation(payload);
        break;
      case frameTypes.RST_STREAM:
        this.#visitor.onReset(this.#streamId, payload.readUInt32BE(0));
        break;
      case frameTypes.SETTINGS:
        this.#onSettings(payload);
        break;
      case frameTypes.PING:
        this.#visitor.onPing(payload, (this.#flags & frameFlags.ACK) !== 0);
        break;
      case frameTypes.GOAWAY:
        this.#visitor.onGoAway(
          payload.readUInt32BE(0) & 0x7fffffff,
          payload.readUInt32BE(4),
          payload.subarray(8),
        );
        break;
      case frameTypes.WINDOW_UPDATE:
        this.#onWindowUpdate(payload.readUInt32BE(0) & 0x7fffffff);
        break;
    }
  }

  #onHeaders(payload: Buffer): void {
    const block = blockOf(payload, this.#flags);
    const endStream = (this.#flags & frameFlags.END_STREAM) !== 0;
    if (block === null) {
      this.#fail(errorCodes.PROTOCOL_ERROR, "HEADERS: the padding is longer than the frame");
    } else if (this.#block.isTooLong(block.length)) {
      this.#fail(errorCodes.ENHANCE_YOUR_CALM, this.#block.limitDetail);
    } else if ((this.#flags & frameFlags.END_HEADERS) !== 0) {
      this.#visitor.onHeaders(this.#streamId, block, endStream);
    } else {
      this.#block.begin(this.#streamId, block, endStream);
    }
  }

  #onContinuation(payload: Buffer): void {
    if (!this.#block.add(payload)) {
      this.#fail(errorCodes.ENHANCE_YOUR_CALM, this.#block.limitDetail);
    } else if ((this.#flags & frameFlags.END_HEADERS) !== 0) {
      const { endsStream } = this.#block;
      this.#visitor.onHeaders(this.#streamId, this.#block.end(), endsStream);
    }
  }

  #onSettings(payload: Buffer): void {
    if ((this.#flags & frameFlags.ACK) !== 0) {
      this.#visitor.onSettingsAck();
      return;
    }
    const entries: Setting[] = [];
    for (let at = 0; at < payload.length; at += 6) {
      entries.push({ id: payload.readUInt16BE(at), value: payload.readUInt32BE(at + 2) });
    }
    this.#visitor.onSettings(entries);
  }

  #onWindowUpdate(increment: number): void {
    if (increment > 0) {
      this.#visitor.onWindowUpdate(this.#streamId, increment);
      return;
    }
    const detail = "WINDOW_UPDATE: the increment is 0";
    const code = errorCodes.PROTOCOL_ERROR;
    const streamId = this.#streamId;
    if (streamId === 0) this.#fail(code, detail);
    else this.#visitor.onProblem({ kind: "stream", code, detail, streamId });
  }
}
