/** HTTP/2 with the application (RFC 9113): one connection that carries many requests. */
import type { ClientStreamHost, Http2ClientStream } from "./client-stream.ts";
import { errorCodeName, errorCodes } from "./error-code.ts";
import { frameTypes } from "./frame.ts";
import type { HeaderLimits } from "./field-blocks.ts";
import { type Block, Session } from "./session.ts";
import { defaultSettings } from "./settings.ts";
import type { Wire } from "./wire.ts";

export interface ClientSessionOptions {
  readonly wire: Wire;
  readonly limits: HeaderLimits;
  /** Streams that it is to carry, whatever the application allows. */
  readonly maxStreams: number;
  /** The same, until the application has said what it allows. */
  readonly assumedStreams: number;
  readonly owner: ClientSessionOwner;
}

export interface ClientSessionOwner {
  /** More requests than the application takes on one connection; none of them has begun. */
  onExcess(streams: readonly Http2ClientStream[], session: ClientSession): void;
  /** Nobody uses it any more, or it must not be used for more. */
  onChange(session: ClientSession): void;
  /** Those that had not begun when the connection was lost. */
  onGone(session: ClientSession, unbegun: readonly Http2ClientStream[]): void;
}

const lastId = 0x7fffffff;

export class ClientSession extends Session<Http2ClientStream> implements ClientStreamHost {
  readonly #maxStreams: number;
  readonly #assumedStreams: number;
  readonly #owner: ClientSessionOwner;
  /** Until the application has said how many it takes (RFC 9113, 3.4), which it does at once. */
  #unbegun: Http2ClientStream[] | null = [];
  #nextId = 1;
  #isLeaving = false;

  constructor({ wire, limits, maxStreams, assumedStreams, owner }: ClientSessionOptions) {
    super({
      wire,
      role: "client",
      limits,
      settings: { enablePush: 0 },
      // It is near, and what it sends ahead of slow clients is to stay with it; but none of them
      // may keep the others waiting.
      maxReceiveWindow: defaultSettings.initialWindowSize,
      maxQueuedBytes: Number.POSITIVE_INFINITY,
    });
    this.#maxStreams = maxStreams;
    this.#assumedStreams = assumedStreams;
    this.#owner = owner;
    this.listen(null);
  }

  /** For one more request. */
  get hasRoom(): boolean {
    return this.isUsable && this.#load < this.#capacity;
  }

  /** Neither closed, nor about to be. */
  get isUsable(): boolean {
    return !this.isClosed && !this.#isLeaving && this.#nextId <= lastId;
  }

  /** The application has told of itself: it speaks HTTP/2. */
  get isReady(): boolean {
    return this.#unbegun === null;
  }

  get isFree(): boolean {
    return this.#load === 0;
  }

  get #load(): number {
    return this.streams.size + (this.#unbegun?.length ?? 0);
  }

  get #capacity(): number {
    return this.#unbegun === null ? this.capacity : this.#assumedStreams;
  }

  /** What the application allows, as far as we want it. */
  get capacity(): number {
    return Math.min(this.#maxStreams, this.peer.maxConcurrentStreams);
  }

  begin(stream: Http2ClientStream): void {
    if (this.#unbegun === null) this.#begin(stream);
    else this.#unbegun.push(stream);
  }

  #begin(stream: Http2ClientStream): void {
    const id = this.#nextId;
    this.#nextId += 2;
    this.streams.add(id, stream);
    stream.begin(id, this);
  }

  forget(stream: Http2ClientStream): void {
    const at = this.#unbegun?.indexOf(stream) ?? -1;
    if (at !== -1) this.#unbegun?.splice(at, 1);
  }

  /** No request any more; those that are here go on. */
  close(): void {
    if (this.isClosed || this.#isLeaving) return;
    this.#isLeaving = true;
    this.outbox.frames.goAway(0, errorCodes.NO_ERROR, "");
    this.#closeIfDone();
  }

  destroy(): void {
    this.wire.destroy();
  }

  protected get lastStreamId(): number {
    return this.#nextId - 2;
  }

  protected get lastPeerStreamId(): number {
    return 0;
  }

  protected receiveBlock(streamId: number, block: Block): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.onMissing(streamId, frameTypes.HEADERS);
    else stream.receiveBlock(block);
  }

  protected onPeerSettings(): void {
    const unbegun = this.#unbegun;
    if (unbegun === null) return;
    this.#unbegun = null;
    const room = this.#isLeaving ? 0 : this.capacity;
    for (const stream of unbegun.slice(0, room)) this.#begin(stream);
    this.#owner.onChange(this);
    if (unbegun.length > room) this.#owner.onExcess(unbegun.slice(room), this);
  }

  /** Streams beyond the last were never looked at, and may be sent again elsewhere. */
  onGoAway(lastStreamId: number, code: number): void {
    this.#isLeaving = true;
    const detail = `the application goes away with ${errorCodeName(code)}`;
    this.#owner.onChange(this);
    for (const stream of this.streams.values()) {
      if (stream.id <= lastStreamId) continue;
      this.streams.delete(stream.id);
      stream.markOver();
      stream.onLost({ code: errorCodes.REFUSED_STREAM, detail, isConnectionLoss: true });
    }
    this.#closeIfDone();
  }

  protected onStreamGone(): void {
    if (this.#isLeaving) this.#closeIfDone();
    else if (this.#load === 0) this.#owner.onChange(this);
  }

  #closeIfDone(): void {
    if (this.#load > 0 || this.isClosed) return;
    this.outbox.flush();
    this.wire.close();
  }

  protected onPingAck(): void {
    // We ask nobody: servers of gRPC take pings that they did not expect for an attack.
  }

  /** Half of a connection is of no use: what is not answered whole will never be. */
  protected onRemoteEnd(): void {
    this.#isLeaving = true;
    this.#owner.onChange(this);
    this.wire.destroy();
  }

  protected onGone(): void {
    const unbegun = this.#unbegun ?? [];
    this.#unbegun = null;
    this.#owner.onGone(this, unbegun);
  }
}
