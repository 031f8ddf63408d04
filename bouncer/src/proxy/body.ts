/**
 * Request bodies. A stream of our own stands between the client's request and the upstream
 * connection: whatever the upstream does to it, the client can still be answered.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { RequestBody } from "../policy/decision.ts";

/** How long a body that nobody wants is read, and how long its client may be silent. */
const maxDiscardMs = 30_000;
const maxSilenceMs = 5000;

export interface BodyStart extends RequestBody {
  /** All that was read, beyond `bytes` too. */
  readonly chunks: readonly Buffer[];
  readonly ended: boolean;
}

/** Reads until there is more than `limit` or the body ends; null when the client went away. */
export function readStart(request: IncomingMessage, limit: number): Promise<BodyStart | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const settle = (result: BodyStart | null): void => {
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      request.pause();
      resolve(result);
    };
    const finish = (ended: boolean): void => {
      const bytes = Buffer.concat(chunks).subarray(0, limit);
      settle({ bytes, truncated: length > limit, chunks, ended });
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) finish(false);
    };
    const onEnd = (): void => {
      finish(true);
    };
    const onClose = (): void => {
      settle(null);
    };
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    request.resume();
  });
}

/** The body for the upstream connection: what was read ahead, then the rest as it comes. */
export class ForwardedBody extends Readable {
  /** The upstream wants more and the client has not sent it. */
  starving = false;
  readonly #request: IncomingMessage;
  readonly #count: (bytes: number) => void;

  /** `count` is told of all that is taken from the client. */
  constructor(request: IncomingMessage, start: BodyStart | null, count: (bytes: number) => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#request = request;
    this.#count = count;
    for (const chunk of start?.chunks ?? []) this.#take(chunk);
    if (start?.ended === true) {
      this.push(null);
      return;
    }
    request.on("data", this.#take).on("end", this.#end);
    request.on("close", this.#close).on("error", this.#close);
    request.pause();
  }

  readonly #take = (chunk: Buffer): void => {
    this.#count(chunk.length);
    this.starving = false;
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #end = (): void => {
    this.starving = false;
    this.push(null);
  };

  readonly #close = (): void => {
    if (!this.#request.complete) this.destroy(new Error("client went away"));
  };

  override _read(): void {
    this.starving = true;
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#request.off("data", this.#take).off("end", this.#end);
    this.#request.off("close", this.#close).off("error", this.#close);
    done(error);
  }
}

/**
 * Reads what is left of a body whose request was answered. A connection that is closed with bytes
 * unread is reset, and a client that is still sending may lose the answer (RFC 9112, 9.6); so it is
 * given up only when that takes long.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete) return;
  const giveUp = (): void => {
    request.destroy();
  };
  const silence = setTimeout(giveUp, maxSilenceMs);
  const whole = setTimeout(giveUp, maxDiscardMs);
  request.once("close", () => {
    clearTimeout(silence);
    clearTimeout(whole);
  });
  request.on("data", () => {
    silence.refresh();
  });
  request.on("error", () => {
    // The client went away; there is nothing left to tell it.
  });
  request.resume();
}
