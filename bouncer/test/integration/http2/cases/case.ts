/** One thing that a client may do, and what has to come of it. */
import { block, type Fields, frame, hex, type RawPeer } from "../raw-peer.ts";
import { frameFlags, frameTypes } from "../../../../src/http2/frame.ts";

export interface Case {
  /** Of RFC 9113, unless it says otherwise. */
  readonly section: string;
  readonly name: string;
  /** Answers what became of it: mostly `peer.outcome(stream)`. */
  run(peer: RawPeer): Promise<string>;
  /** What we do. */
  readonly expected: string;
  /** What Node's server does where that is different, and in order, too. */
  readonly node?: string;
  /** The same where it is not in order. */
  readonly nodeWrong?: string;
}

export const type = frameTypes;
export const flag = frameFlags;

type Send = (peer: RawPeer) => readonly Buffer[];

/** The beginning, then these frames; what becomes of stream 1. */
export function sends(frames: readonly Buffer[] | Send, streamId = 1): Case["run"] {
  return async (peer) => {
    await peer.begin();
    peer.send(...(typeof frames === "function" ? frames(peer) : frames));
    return peer.outcome(streamId);
  };
}

/** The frames, each behind what the one before has led to. */
export function steps(frames: readonly Buffer[], streamId = 1): Case["run"] {
  return async (peer) => {
    await peer.begin();
    for (const one of frames.slice(0, -1)) {
      peer.send(one);
      await peer.settle();
    }
    peer.send(...frames.slice(-1));
    return peer.outcome(streamId);
  };
}

export function data(streamId: number, text: string, endStream = false): Buffer {
  return frame(type.DATA, endStream ? flag.END_STREAM : 0, streamId, Buffer.from(text, "latin1"));
}

export function reset(streamId: number, code = 8): Buffer {
  return frame(type.RST_STREAM, 0, streamId, hex(code.toString(16).padStart(8, "0")));
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(type.WINDOW_UPDATE, 0, streamId, hex(increment.toString(16).padStart(8, "0")));
}

export function trailers(streamId: number, fields: Fields, endStream = true): Buffer {
  const flags = flag.END_HEADERS | (endStream ? flag.END_STREAM : 0);
  return frame(type.HEADERS, flags, streamId, block(fields));
}

export function repeat(count: number, make: (at: number) => Buffer): Buffer[] {
  return Array.from({ length: count }, (_, at) => make(at));
}
