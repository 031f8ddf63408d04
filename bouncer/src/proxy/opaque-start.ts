/** What a client says first, held back until it is known whether that is a ClientHello. */
import type { Socket } from "node:net";
import { type HelloReading, readClientHello } from "./client-hello.ts";

export interface StartLimits {
  /** How long a client may say nothing before it is taken for one that waits for the server. */
  readonly silenceMs: number;
  /** From the first byte of a ClientHello to its last. */
  readonly helloTimeoutMs: number;
}

export type StartReading =
  | Extract<HelloReading, { kind: "other" | "hello" }>
  | {
      readonly kind: "refused";
      readonly reason: "bad_request" | "request_timeout";
      readonly detail: string;
    };

export interface StartEvents {
  /** Nothing came for a while; it is watched on. */
  readonly onSilence: () => void;
  /** Once, with all that was read; nothing more is read until the socket is resumed. */
  readonly onRead: (reading: StartReading, bytes: Buffer) => void;
}

export function watchStart(client: Socket, limits: StartLimits, events: StartEvents): void {
  let bytes: Buffer = Buffer.alloc(0);
  let timer = setTimeout(events.onSilence, limits.silenceMs);
  const stop = (): void => {
    clearTimeout(timer);
    client.off("data", onData);
    client.off("end", onEnd);
    client.off("close", stop);
  };
  const settle = (reading: StartReading): void => {
    stop();
    client.pause();
    events.onRead(reading, bytes);
  };
  const onData = (chunk: Buffer): void => {
    if (bytes.length === 0) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const detail = "the ClientHello did not arrive in time";
        settle({ kind: "refused", reason: "request_timeout", detail });
      }, limits.helloTimeoutMs);
    }
    bytes = Buffer.concat([bytes, chunk]);
    const reading = readClientHello(bytes);
    if (reading.kind === "more") return;
    if (reading.kind !== "unclear") settle(reading);
    else settle({ kind: "refused", reason: "bad_request", detail: reading.detail });
  };
  const onEnd = (): void => {
    const detail = "the connection ended within its ClientHello";
    if (bytes.length === 0) settle({ kind: "other" });
    else settle({ kind: "refused", reason: "bad_request", detail });
  };
  client.on("data", onData);
  client.on("end", onEnd);
  client.on("close", stop);
  client.resume();
}
