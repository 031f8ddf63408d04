/** What is legal frame by frame, and an attack in numbers. */
import {
  block,
  frame,
  get,
  hex,
  open,
  post,
  preface,
  request,
  settingsFrame,
} from "../raw-peer.ts";
import { type Case, data, flag, repeat, reset, sends, type, windowUpdate } from "./case.ts";

const calm = "GOAWAY ENHANCE_YOUR_CALM";
const ping = frame(type.PING, 0, 0, "0102030405060708");

function streams(count: number, make: (streamId: number) => Buffer): Buffer[] {
  return repeat(count, (at) => make(2 * at + 1));
}

/** In parts, so that there are answers in between, until the connection is over. */
function floods(parts: number, make: (part: number) => readonly Buffer[]): Case["run"] {
  return async (peer) => {
    await peer.begin();
    for (let part = 0; part < parts && !peer.isOver; part += 1) {
      peer.send(...make(part));
      await peer.settle();
    }
    return peer.outcome(0);
  };
}

const never = get("/never");
/** Streams of one part, beginning with stream 1 in the first. */
const inPart = 200;
const idOf = (part: number, at: number): number => 2 * (part * inPart + at) + 1;

/** A field of 4000 bytes that goes into the table, and then one byte for each time that it comes again. */
const bomb = Buffer.concat([
  block(get("/")),
  hex("40 01 78 7f a1 1e"),
  Buffer.alloc(4000, "a"),
  Buffer.alloc(10_000, 0xbe),
]);

export const attackCases: readonly Case[] = [
  {
    section: "CVE-2023-44487",
    name: "streams that are begun and reset, on and on",
    run: floods(50, (part) =>
      repeat(inPart, (at) =>
        Buffer.concat([request(idOf(part, at), never), reset(idOf(part, at))]),
      ),
    ),
    expected: calm,
    node: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2023-44487",
    name: "streams that are answered and then reset are in order",
    run: async (peer) => {
      await peer.begin();
      for (let streamId = 1; streamId < 4001; streamId += 2) {
        peer.send(request(streamId));
        if (streamId % 200 === 1) await peer.outcome(streamId);
        peer.send(reset(streamId - 200 > 0 ? streamId - 200 : streamId));
      }
      peer.send(request(4001));
      return peer.outcome(4001);
    },
    expected: "200",
    nodeWrong: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2025-8671",
    name: "streams that the server is made to reset, by WINDOW_UPDATE of 0",
    run: floods(50, (part) =>
      repeat(inPart, (at) =>
        Buffer.concat([request(idOf(part, at), never), windowUpdate(idOf(part, at), 0)]),
      ),
    ),
    expected: calm,
    node: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "CVE-2025-8671",
    name: "streams that the server is made to reset, by a window that is too large",
    run: floods(50, (part) =>
      repeat(inPart, (at) =>
        Buffer.concat([request(idOf(part, at), never), windowUpdate(idOf(part, at), 0x7fffffff)]),
      ),
    ),
    expected: calm,
    node: "GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    section: "CVE-2025-8671",
    name: "streams that the server is made to reset, by DATA behind their end",
    run: floods(50, (part) =>
      repeat(inPart, (at) =>
        Buffer.concat([request(idOf(part, at), never), data(idOf(part, at), "a")]),
      ),
    ),
    expected: calm,
    node: "GOAWAY STREAM_CLOSED",
  },
  {
    section: "CVE-2025-8671",
    name: "requests that are malformed, on and on",
    run: floods(50, (part) =>
      repeat(inPart, (at) => request(idOf(part, at), [[":method", "GET"]])),
    ),
    expected: calm,
    node: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1.2",
    name: "more streams than allowed, on and on",
    run: async (peer) => {
      await peer.begin();
      peer.send(...streams(10_000, (streamId) => request(streamId, never)));
      return peer.outcome(0);
    },
    expected: calm,
    node: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "CVE-2024-27316",
    name: "CONTINUATION frames that have no bytes",
    run: sends([
      frame(type.HEADERS, 0, 1, block(get("/"))),
      ...repeat(1000, () => frame(type.CONTINUATION, 0, 1)),
    ]),
    expected: calm,
    node: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2024-27316",
    name: "CONTINUATION frames that are full",
    run: sends([
      frame(type.HEADERS, 0, 1, block(get("/"))),
      ...repeat(100, () => frame(type.CONTINUATION, 0, 1, Buffer.alloc(16_384, "00 01 78 01 79"))),
    ]),
    expected: calm,
    node: "GOAWAY COMPRESSION_ERROR",
  },
  {
    section: "CVE-2016-6581",
    name: "a small field block that stands for a large list",
    run: sends([frame(type.HEADERS, 0x5, 1, bomb)]),
    expected: "431",
    node: "RST_STREAM ENHANCE_YOUR_CALM",
  },
  {
    section: "6.5.2",
    name: "more headers than there may be",
    run: sends([
      request(1, [...get("/"), ...Array.from({ length: 500 }, (): [string, string] => ["x", "y"])]),
    ]),
    expected: "431",
    node: "RST_STREAM ENHANCE_YOUR_CALM",
  },
  {
    section: "CVE-2019-9512",
    name: "PING, on and on",
    run: floods(50, () => repeat(1000, () => ping)),
    expected: calm,
    node: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2019-9512",
    name: "PING by one who does not read the answers",
    run: async (peer) => {
      await peer.begin();
      peer.send(...repeat(100_000, () => ping));
      return peer.outcome(0);
    },
    expected: calm,
    node: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2019-9515",
    name: "SETTINGS, on and on",
    run: floods(50, () => repeat(1000, () => settingsFrame())),
    expected: calm,
    node: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2019-9518",
    name: "DATA without bytes, on and on",
    run: floods(50, (part) => [
      ...(part === 0 ? [open(1, post("/never"))] : []),
      ...repeat(1000, () => data(1, "")),
    ]),
    expected: calm,
    node: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "CVE-2019-9518",
    name: "DATA that is all padding, on and on",
    run: floods(50, (part) => [
      ...(part === 0 ? [open(1, post("/"))] : []),
      ...repeat(1000, () => frame(type.DATA, flag.PADDED, 1, "00")),
    ]),
    expected: calm,
  },
  {
    section: "CVE-2019-9513",
    name: "PRIORITY, on and on",
    run: floods(50, () => repeat(1000, () => frame(type.PRIORITY, 0, 1, "00000000 10"))),
    expected: calm,
  },
  {
    section: "5.5",
    name: "frames that nobody knows, on and on",
    run: floods(50, () => repeat(1000, () => frame(0x99, 0, 0))),
    expected: calm,
  },
  {
    section: "6.9",
    name: "WINDOW_UPDATE, on and on",
    run: floods(50, () => repeat(1000, () => windowUpdate(0, 1))),
    expected: calm,
    nodeWrong: "nothing",
  },
  {
    section: "CVE-2019-9517",
    name: "answers that nobody reads, and a window for each byte of them",
    run: async (peer) => {
      await peer.begin({ id: 4, value: 0 });
      peer.send(request(1, get("/large")));
      for (let part = 0; part < 50 && !peer.isOver; part += 1) {
        peer.send(...repeat(1000, () => windowUpdate(1, 1)));
        await peer.settle();
      }
      return peer.outcome(0);
    },
    expected: calm,
    nodeWrong: "nothing",
  },
  {
    section: "3.4",
    name: "a preface, and then nothing that is HTTP/2",
    run: async (peer) => {
      peer.send(preface, Buffer.from("GET / HTTP/1.1\r\nHost: app\r\n\r\n"));
      return peer.outcome(1);
    },
    expected: "GOAWAY PROTOCOL_ERROR",
  },
];
