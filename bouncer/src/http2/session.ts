/**
 * One connection of HTTP/2, of either end: frames come in, streams are told, settings and windows
 * are kept. What is different for clients and servers is in their own files.
 */
import type { RawHeaders } from "../http/message.ts";
import { Budget, costs, gains, idleFrameBudget, resetBudget } from "./budget.ts";
import { errorCodeName, errorCodes } from "./error-code.ts";
import { FieldBlocks, type HeaderLimits } from "./field-blocks.ts";
import { type FrameProblem, type FrameVisitor, frameTypes } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import type { Field } from "./hpack/field.ts";
import { Inflow } from "./inflow.ts";
import { Outbox } from "./outbox.ts";
import {
  applySettings,
  defaultSettings,
  type Setting,
  settingEntries,
  type Settings,
} from "./settings.ts";
import type { Stream, StreamHost } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";
import type { Wire } from "./wire.ts";

export interface SessionOptions {
  readonly wire: Wire;
  readonly role: "server" | "client";
  readonly limits: HeaderLimits;
  readonly settings: Partial<Settings>;
  /** Of a stream whose reader keeps up: what its peer may send before it is read. */
  readonly maxReceiveWindow: number;
  /** What may wait for slow readers before others on the connection have to wait, too. */
  readonly maxQueuedBytes: number;
}

/** A field block that has come whole. */
export interface Block {
  readonly fields: readonly Field[];
  readonly endStream: boolean;
  /** More than the limits allow: `fields` is only the beginning. */
  readonly isOversized: boolean;
}

/** Streams that we have reset, about which the peer may not have heard. */
const maxRecentlyReset = 1000;

export abstract class Session<S extends Stream> implements FrameVisitor, StreamHost {
  readonly outbox: Outbox;
  readonly receiveWindow = defaultSettings.initialWindowSize;
  readonly maxReceiveWindow: number;
  protected readonly wire: Wire;
  protected readonly streams = new StreamTable<S>();
  protected readonly reader: FrameReader;
  protected readonly resets = new Budget(resetBudget);
  protected readonly idleFrames = new Budget(idleFrameBudget);
  /** What the peer has told about itself. */
  protected peer: Settings = defaultSettings;
  sendWindow = defaultSettings.initialWindowSize;
  protected isClosed = false;
  /** Something came since this was last asked. */
  protected hasRead = false;
  readonly #role: SessionOptions["role"];
  readonly #blocks: FieldBlocks;
  readonly #inflow: Inflow;
  readonly #recentlyReset = new Set<number>();
  #isPaused = false;

  protected constructor(options: SessionOptions) {
    const { wire, role, limits, settings } = options;
    this.maxReceiveWindow = options.maxReceiveWindow;
    this.#inflow = new Inflow(options.maxQueuedBytes);
    this.wire = wire;
    wire.keepShared();
    this.#role = role;
    this.#blocks = new FieldBlocks(limits);
    this.outbox = new Outbox(wire);
    this.reader = new FrameReader(this, {
      role,
      maxFrameSize: defaultSettings.maxFrameSize,
      maxBlockBytes: 2 * limits.maxHeaderBytes,
    });
    if (role === "client") this.outbox.frames.preface();
    const own = settingEntries({ ...settings, maxHeaderListSize: limits.maxHeaderBytes });
    this.outbox.frames.settings(own);
    this.outbox.frames.windowUpdate(0, this.#inflow.open());
  }

  /** A field block for a stream that may or may not be there. */
  protected abstract receiveBlock(streamId: number, block: Block): void;
  /** The highest stream that has been begun, whether it is still there or not. */
  protected abstract get lastStreamId(): number;
  /** Of those that the peer has begun: for GOAWAY. */
  protected abstract get lastPeerStreamId(): number;
  protected abstract onPeerSettings(): void;
  protected abstract onPingAck(): void;
  /** One stream less. */
  protected abstract onStreamGone(): void;
  protected abstract onRemoteEnd(): void;
  protected abstract onGone(): void;
  abstract onGoAway(lastStreamId: number, code: number, debug: Buffer): void;

  /** Begins to listen; what was read before the connection was ours comes first. */
  protected listen(bytes: Buffer | null): void {
    this.wire.attach({
      onData: (chunk) => this.#read(chunk),
      onEnd: () => {
        if (!this.isClosed) this.onRemoteEnd();
      },
      onDrain: () => {
        this.outbox.onDrain();
        if (!this.#isPaused || this.outbox.isOverloaded) return;
        this.#isPaused = false;
        this.wire.resume();
      },
      onClose: () => {
        this.#end("the connection was closed");
      },
    });
    if (bytes !== null && bytes.length > 0) this.#read(bytes);
  }

  /** Who does not read what we answer is not read either. */
  #read(chunk: Buffer): boolean {
    this.hasRead = true;
    this.reader.read(chunk);
    this.#isPaused = this.outbox.isOverloaded;
    return !this.#isPaused;
  }

  /** Ends the connection for a fault of the peer (RFC 9113, 5.4.1). */
  protected fail(code: number, detail: string): void {
    if (this.isClosed) return;
    this.reader.stop();
    this.outbox.frames.goAway(this.lastPeerStreamId, code, detail);
    this.outbox.flush();
    this.wire.close();
    this.#end(detail);
  }

  #end(detail: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.reader.stop();
    this.outbox.close();
    for (const stream of this.streams.values()) {
      stream.markOver();
      stream.onLost({ code: null, detail, isConnectionLoss: true });
    }
    this.streams.clear();
    this.onGone();
  }

  /** The application is nobody that we have to be afraid of. */
  protected spend(budget: Budget, cost: number, what: string): void {
    if (this.#role === "server" && !budget.spend(cost))
      this.fail(errorCodes.ENHANCE_YOUR_CALM, `too many ${what}`);
  }

  // --- What streams ask for ---

  sendHeaders(stream: Stream, fields: RawHeaders, endStream: boolean): void {
    this.outbox.frames.headers(stream.id, this.#blocks.write(fields), endStream);
  }

  onStreamOver(stream: Stream): void {
    if (!this.streams.delete(stream.id)) return;
    stream.markOver();
    this.resets.earn(1);
    this.onStreamGone();
  }

  resetStream(stream: Stream, code: number): void {
    if (!this.streams.delete(stream.id)) return;
    stream.markOver();
    this.refuseStream(stream.id, code);
    this.onStreamGone();
  }

  /** What the peer still says about it is not worth a word. */
  protected refuseStream(streamId: number, code: number): void {
    if (this.isClosed) return;
    this.outbox.frames.reset(streamId, code);
    this.#recentlyReset.add(streamId);
    if (this.#recentlyReset.size <= maxRecentlyReset) return;
    const [oldest = 0] = this.#recentlyReset;
    this.#recentlyReset.delete(oldest);
  }

  onTinyData(): void {
    this.spend(this.idleFrames, costs.tinyData, "windows of a few bytes");
  }

  onQueued(bytes: number): void {
    this.#inflow.queue(bytes);
    if (bytes < 0) this.#release(0);
  }

  #release(bytes: number): void {
    const opened = this.#inflow.release(bytes);
    if (opened > 0 && !this.isClosed) this.outbox.frames.windowUpdate(0, opened);
  }

  // --- Frames ---

  onData(streamId: number, bytes: Buffer, endStream: boolean, flowControlled: number): void {
    if (!this.#inflow.receive(flowControlled)) {
      this.fail(errorCodes.FLOW_CONTROL_ERROR, "more DATA than the connection's window allows");
      return;
    }
    if (bytes.length > 0) this.idleFrames.earn(gains.data);
    else if (!endStream) this.spend(this.idleFrames, costs.emptyData, "empty DATA frames");
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.onMissing(streamId, frameTypes.DATA);
    else stream.receiveData(bytes, endStream, flowControlled);
    this.#release(flowControlled);
  }

  /** A frame for a stream that is not there (RFC 9113, 5.1). */
  protected onMissing(streamId: number, type: number): void {
    if (streamId > this.lastStreamId || this.isIdle(streamId)) {
      this.fail(errorCodes.PROTOCOL_ERROR, `a frame of type ${type} for an idle stream`);
    } else if (type > frameTypes.HEADERS || this.#recentlyReset.has(streamId)) {
      this.spend(this.idleFrames, costs.late, "frames for streams that are over");
    } else {
      this.fail(errorCodes.STREAM_CLOSED, `a frame of type ${type} for a closed stream`);
    }
  }

  /** Streams of the side that begins none are always idle. */
  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0;
  }

  onHeaders(streamId: number, block: Buffer, endStream: boolean): void {
    this.idleFrames.earn(gains.message);
    const read = this.#blocks.read(block);
    if (read.kind === "malformed") this.fail(errorCodes.COMPRESSION_ERROR, read.detail);
    else this.receiveBlock(streamId, { ...read, endStream });
  }

  onReset(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.onMissing(streamId, frameTypes.RST_STREAM);
      return;
    }
    this.streams.delete(streamId);
    stream.markOver();
    const detail = `the stream was reset with ${errorCodeName(code)}`;
    stream.onLost({ code, detail, isConnectionLoss: false });
    this.onStreamGone();
    if (!stream.hasLocalEnded) this.spend(this.resets, 1, "streams that are reset");
  }

  onSettings(entries: readonly Setting[]): void {
    this.spend(this.idleFrames, costs.settings, "SETTINGS frames");
    const applied = applySettings(this.peer, entries);
    if (applied.kind !== "settings") {
      this.fail(applied.code, applied.detail);
      return;
    }
    const { settings } = applied;
    const opened = settings.initialWindowSize - this.sendWindow;
    this.peer = settings;
    this.sendWindow = settings.initialWindowSize;
    this.#blocks.limitTable(settings.headerTableSize);
    this.outbox.setMaxFrameSize(settings.maxFrameSize);
    if (opened !== 0 && !this.#openWindows(opened)) return;
    // Before what may be sent because of them: they hold from here on (RFC 9113, 6.5.3).
    this.outbox.frames.settingsAck();
    if (opened > 0) this.outbox.pump();
    this.onPeerSettings();
  }

  /** Of all streams that are open (RFC 9113, 6.9.2). */
  #openWindows(bytes: number): boolean {
    for (const stream of this.streams.values()) {
      if (!stream.openSendWindow(bytes)) {
        this.fail(errorCodes.FLOW_CONTROL_ERROR, "SETTINGS make a window too large");
        return false;
      }
    }
    return true;
  }

  onSettingsAck(): void {
    // What we have told holds from the beginning: nothing in it is less than what peers assume.
  }

  onPing(data: Buffer, isAck: boolean): void {
    if (isAck) {
      this.onPingAck();
      return;
    }
    this.spend(this.idleFrames, costs.ping, "PING frames");
    if (!this.isClosed) this.outbox.frames.ping(data, true);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.idleFrames.earn(this.outbox.takeDataWork());
    this.spend(this.idleFrames, costs.windowUpdate, "WINDOW_UPDATE frames");
    if (streamId === 0) {
      if (this.outbox.openWindow(increment)) return;
      this.fail(errorCodes.FLOW_CONTROL_ERROR, "WINDOW_UPDATE makes the window too large");
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.onMissing(streamId, frameTypes.WINDOW_UPDATE);
    else if (stream.openSendWindow(increment)) this.outbox.pump();
    else this.breakOff(stream, errorCodes.FLOW_CONTROL_ERROR, "the window is too large");
  }

  onIgnored(_type: number, _streamId: number): void {
    this.spend(this.idleFrames, costs.ignored, "frames that do nothing");
  }

  onProblem({ kind, code, detail, streamId }: FrameProblem): void {
    if (kind === "connection") {
      this.fail(code, detail);
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.breakOff(stream, code, detail);
    else if (streamId > this.lastStreamId) this.fail(code, detail);
    else this.spend(this.idleFrames, costs.late, "frames for streams that are over");
  }

  breakOff(stream: Stream, code: number, detail: string): void {
    this.resetStream(stream, code);
    stream.onLost({ code: null, detail, isConnectionLoss: false });
    this.spend(this.resets, 1, "streams that have to be reset");
  }
}
