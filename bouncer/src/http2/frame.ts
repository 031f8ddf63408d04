/** The frames of HTTP/2 (RFC 9113, 4 and 6): their numbers, and what their reader tells. */
import type { Setting } from "./settings.ts";

export const frameTypes = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

export const frameFlags = {
  /** DATA, HEADERS. */
  END_STREAM: 0x1,
  /** SETTINGS, PING. */
  ACK: 0x1,
  /** HEADERS, CONTINUATION. */
  END_HEADERS: 0x4,
  /** DATA, HEADERS. */
  PADDED: 0x8,
  /** HEADERS. */
  PRIORITY: 0x20,
} as const;

export const frameHeadBytes = 9;

/** What a client sends before all else (RFC 9113, 3.4). */
export const connectionPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Why a connection, or one stream, must end, and with which code of `error-code.ts`. */
export interface FrameProblem {
  readonly kind: "connection" | "stream";
  readonly code: number;
  readonly detail: string;
  /** 0: of no stream. */
  readonly streamId: number;
}

/**
 * Who hears of frames. All bytes are valid during the call only. What depends on a frame alone is
 * checked already; what depends on the state of streams and windows is not. Of frames that are
 * legal but do nothing, `onIgnored` tells, so that floods of them can be counted.
 */
export interface FrameVisitor {
  /**
   * A piece of a DATA frame. `flowControlled`: octets that count against the windows, padding
   * included (RFC 9113, 6.9.1). `endStream` comes with the last piece of the frame. No bytes and no
   * `endStream`: the frame was empty, or only its padding was left.
   */
  onData(streamId: number, bytes: Buffer, endStream: boolean, flowControlled: number): void;
  /** A whole field block: of HEADERS and the CONTINUATION frames after it. */
  onHeaders(streamId: number, block: Buffer, endStream: boolean): void;
  onReset(streamId: number, code: number): void;
  onSettings(entries: readonly Setting[]): void;
  onSettingsAck(): void;
  onPing(data: Buffer, isAck: boolean): void;
  onGoAway(lastStreamId: number, code: number, debug: Buffer): void;
  /** Of the connection: stream 0. */
  onWindowUpdate(streamId: number, increment: number): void;
  /** PRIORITY, and types that RFC 9113 does not know. */
  onIgnored(type: number, streamId: number): void;
  /** After one of kind `connection`, the reader drops everything. */
  onProblem(problem: FrameProblem): void;
}
