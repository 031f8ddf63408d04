/** RFC 9113, 3 to 5: the preface, frames, field blocks, streams. */
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
import {
  type Case,
  data,
  flag,
  repeat,
  reset,
  sends,
  steps,
  type,
  trailers,
  windowUpdate,
} from "./case.ts";

const priority = hex("00000000 10");
const big = Buffer.alloc(16_385);
const getRoot = block(get("/"));
/** A stream that the client has ended and the server has not. */
const halfClosed = request(1, get("/never"));
const next = request(3);

export const connectionCases: readonly Case[] = [
  {
    section: "3.4",
    name: "a preface that is wrong",
    run: async (peer) => {
      peer.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), settingsFrame());
      return peer.outcome(1);
    },
    expected: "GOAWAY PROTOCOL_ERROR",
    nodeWrong: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "3.4",
    name: "a preface without SETTINGS behind it",
    run: async (peer) => {
      peer.send(preface, request(1));
      return peer.outcome(1);
    },
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "3.4",
    name: "requests before the server's SETTINGS were seen",
    run: async (peer) => {
      peer.send(preface, settingsFrame(), request(1));
      return peer.outcome(1);
    },
    expected: "200",
  },
  {
    section: "3.4",
    name: "everything byte by byte",
    run: async (peer) => {
      await peer.sendSlowly(
        Buffer.concat([preface, settingsFrame(), open(1), data(1, "ab", true)]),
        1,
      );
      return peer.outcome(1);
    },
    expected: "200",
  },
  {
    section: "4.1",
    name: "a type that nobody knows",
    run: sends([frame(0x99, 0xff, 0, "616263"), frame(0x98, 0xff, 5), request(1)]),
    expected: "200",
  },
  {
    section: "4.1",
    name: "flags that mean nothing",
    run: sends([frame(type.HEADERS, 0xc5 | 0x12, 1, getRoot)]),
    expected: "200",
  },
  {
    section: "4.1",
    name: "the reserved bit",
    run: sends([frame(type.HEADERS, 0x5, 0x80000001, getRoot)]),
    expected: "200",
  },
  {
    section: "4.2",
    name: "DATA of the largest size",
    run: sends([open(1), frame(type.DATA, 1, 1, big.subarray(1))]),
    expected: "200",
  },
  {
    section: "4.2",
    name: "DATA larger than that",
    run: sends([open(1), frame(type.DATA, 1, 1, big)]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "4.2",
    name: "HEADERS larger than that",
    run: sends([frame(type.HEADERS, 0x5, 1, big)]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "4.2",
    name: "an unknown type larger than that",
    run: sends([frame(0x99, 0, 0, big), request(1)]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "4.3",
    name: "a field block that is broken",
    run: sends([frame(type.HEADERS, 0x5, 1, "ffffffffffff")]),
    expected: "GOAWAY COMPRESSION_ERROR",
  },
  {
    section: "4.3",
    name: "trailers whose field block is broken",
    run: sends([open(1), frame(type.HEADERS, 0x5, 1, "be")]),
    expected: "GOAWAY COMPRESSION_ERROR",
  },
  {
    section: "4.3",
    name: "a field block in many frames",
    run: sends([
      frame(type.HEADERS, flag.END_STREAM, 1, getRoot.subarray(0, 1)),
      ...repeat(3, (at) => frame(type.CONTINUATION, 0, 1, getRoot.subarray(1 + at, 2 + at))),
      frame(type.CONTINUATION, flag.END_HEADERS, 1, getRoot.subarray(4)),
    ]),
    expected: "200",
  },
  {
    section: "4.3.1",
    name: "a table that is made larger than allowed",
    run: sends([frame(type.HEADERS, 0x5, 1, Buffer.concat([hex("3f e2 1f"), getRoot]))]),
    expected: "GOAWAY COMPRESSION_ERROR",
  },
  {
    section: "RFC 7541, 4.2",
    name: "a change of the table's size behind a field",
    run: sends([frame(type.HEADERS, 0x5, 1, Buffer.concat([getRoot, hex("20")]))]),
    expected: "GOAWAY COMPRESSION_ERROR",
  },
  {
    section: "RFC 7541, 4.2",
    name: "a change of the table's size before the fields",
    run: sends([frame(type.HEADERS, 0x5, 1, Buffer.concat([hex("20 3f e1 1f"), getRoot]))]),
    expected: "200",
  },

  {
    section: "5.1",
    name: "idle: DATA",
    run: sends([data(1, "a")]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1",
    name: "idle: RST_STREAM",
    run: sends([reset(1)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1",
    name: "idle: WINDOW_UPDATE",
    run: sends([windowUpdate(1, 1)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1",
    name: "idle: CONTINUATION",
    run: sends([frame(type.CONTINUATION, 4, 1, getRoot)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1",
    name: "idle: PRIORITY, which is ignored",
    run: sends([frame(type.PRIORITY, 0, 1, priority), request(1)]),
    expected: "200",
  },
  {
    section: "5.1",
    name: "half-closed: DATA",
    run: sends([halfClosed, data(1, "a")]),
    expected: "RST_STREAM STREAM_CLOSED",
    node: "GOAWAY STREAM_CLOSED",
  },
  {
    section: "5.1",
    name: "half-closed: HEADERS",
    run: sends([halfClosed, trailers(1, [["x", "y"]])]),
    expected: "RST_STREAM STREAM_CLOSED",
    node: "GOAWAY STREAM_CLOSED",
  },
  {
    section: "5.1",
    name: "half-closed: WINDOW_UPDATE and PRIORITY",
    run: sends([halfClosed, windowUpdate(1, 1), frame(type.PRIORITY, 0, 1, priority), next], 3),
    expected: "200",
  },
  {
    section: "5.1",
    name: "half-closed: RST_STREAM",
    run: sends([halfClosed, reset(1), next], 3),
    expected: "200",
  },
  {
    section: "5.1",
    name: "reset by the client: DATA",
    run: steps([Buffer.concat([open(1, post("/never")), reset(1)]), data(1, "a")], 1),
    expected: "GOAWAY STREAM_CLOSED",
    node: "nothing",
  },
  {
    section: "5.1",
    name: "reset by the client: HEADERS",
    run: steps([Buffer.concat([open(1, post("/never")), reset(1)]), trailers(1, get("/"))], 1),
    expected: "GOAWAY STREAM_CLOSED",
    node: "nothing",
  },
  {
    section: "5.1",
    name: "reset by the server: what was on its way is ignored",
    run: sends([halfClosed, data(1, "a"), data(1, "b"), windowUpdate(1, 1), reset(1), next], 3),
    expected: "200",
    node: "GOAWAY STREAM_CLOSED",
  },
  {
    section: "5.1",
    name: "closed: RST_STREAM, WINDOW_UPDATE and PRIORITY, which are ignored",
    run: steps(
      [
        request(1),
        Buffer.concat([reset(1), windowUpdate(1, 1), frame(type.PRIORITY, 0, 1, priority), next]),
      ],
      3,
    ),
    expected: "200",
  },
  {
    section: "5.1.1",
    name: "a stream of even number",
    run: sends([request(2)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1.1",
    name: "stream 0",
    run: sends([request(0)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1.1",
    name: "a stream of a number that was skipped",
    run: sends([request(5, get("/never")), request(3)], 3),
    expected: "GOAWAY STREAM_CLOSED",
    nodeWrong: "nothing",
  },
  {
    section: "5.1.1",
    name: "numbers may be skipped",
    run: sends([request(1), request(0x7fffffff)], 0x7fffffff),
    expected: "200",
  },
  {
    section: "5.1.2",
    name: "more streams at the same time than allowed",
    run: async (peer) => {
      await peer.begin();
      const most = peer.setting(3) ?? 100;
      peer.send(...repeat(most + 1, (at) => request(1 + 2 * at, get("/never"))));
      return peer.outcome(1 + 2 * most);
    },
    expected: "RST_STREAM REFUSED_STREAM",
    node: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.1.2",
    name: "streams that are over do not count",
    run: async (peer) => {
      await peer.begin();
      peer.send(
        ...repeat(200, (at) =>
          Buffer.concat([request(1 + 2 * at, get("/never")), reset(1 + 2 * at)]),
        ),
      );
      await peer.settle();
      peer.send(request(1001));
      return peer.outcome(1001);
    },
    expected: "200",
  },
  {
    section: "5.3.2",
    name: "a stream that depends on itself, which means nothing any more",
    run: sends([frame(type.HEADERS, 0x25, 1, Buffer.concat([hex("00000001 10"), getRoot]))]),
    expected: "200",
    node: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "5.3.2",
    name: "PRIORITY of a stream that depends on itself",
    run: sends([frame(type.PRIORITY, 0, 3, hex("00000003 10")), request(1)]),
    expected: "200",
  },
  {
    section: "5.5",
    name: "an unknown type within a field block",
    run: sends([
      frame(type.HEADERS, 1, 1, getRoot),
      frame(0x99, 0, 1),
      frame(type.CONTINUATION, 4, 1),
    ]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
];
