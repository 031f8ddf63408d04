/** RFC 9113, 6 and 7: each type of frame, and codes that nobody knows. */
import { block, frame, get, hex, open, post, request, settingsFrame } from "../raw-peer.ts";
import { largeBytes } from "../target.ts";
import { type Case, data, flag, reset, sends, type, windowUpdate } from "./case.ts";

const getRoot = block(get("/"));
const ping = "0102030405060708";
const never = request(1, get("/never"));
const next = request(3);
const initialWindow = 4;

/** How much of the large body comes when everything else has come. */
async function partOf(peer: Parameters<Case["run"]>[0], streamId: number): Promise<string> {
  await peer.settle();
  await peer.settle();
  return `${peer.bodyBytes(streamId)} bytes`;
}

export const frameCases: readonly Case[] = [
  {
    section: "6.1",
    name: "DATA on stream 0",
    run: sends([data(0, "a")]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.1",
    name: "DATA with padding",
    run: sends([open(1), frame(type.DATA, flag.PADDED | 1, 1, "03 61 000000")]),
    expected: "200",
  },
  {
    section: "6.1",
    name: "DATA that is all padding",
    run: sends([open(1), frame(type.DATA, flag.PADDED | 1, 1, "02 0000")]),
    expected: "200",
  },
  {
    section: "6.1",
    name: "DATA with more padding than there is",
    run: sends([open(1), frame(type.DATA, flag.PADDED | 1, 1, "06 61 0000")]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.1",
    name: "DATA without the length of its padding",
    run: sends([open(1), frame(type.DATA, flag.PADDED | 1, 1)]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
    nodeWrong: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.2",
    name: "HEADERS with padding and priority",
    run: sends([
      frame(type.HEADERS, 0x2d, 1, Buffer.concat([hex("02 00000000 10"), getRoot, hex("0000")])),
    ]),
    expected: "200",
  },
  {
    section: "6.2",
    name: "HEADERS with more padding than there is",
    run: sends([frame(type.HEADERS, 0xd, 1, Buffer.concat([hex("ff"), getRoot]))]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.2",
    name: "HEADERS too short for its priority",
    run: sends([frame(type.HEADERS, 0x25, 1, "00000000")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.2",
    name: "HEADERS, then HEADERS of another stream before the block ends",
    run: sends([frame(type.HEADERS, 1, 1, getRoot), request(3)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.3",
    name: "PRIORITY on stream 0",
    run: sends([frame(type.PRIORITY, 0, 0, "00000000 10")]),
    expected: "GOAWAY PROTOCOL_ERROR",
    nodeWrong: "nothing",
  },
  {
    section: "6.3",
    name: "PRIORITY of 4 bytes",
    run: sends([never, frame(type.PRIORITY, 0, 1, "00000000")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.4",
    name: "RST_STREAM on stream 0",
    run: sends([reset(0)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.4",
    name: "RST_STREAM of 3 bytes",
    run: sends([never, frame(type.RST_STREAM, 0, 1, "000008")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.5",
    name: "SETTINGS are acknowledged",
    run: async (peer) => {
      await peer.begin({ id: 3, value: 100 });
      peer.send(settingsFrame({ id: 0x1234, value: 1 }));
      await peer.settle();
      return `${peer.seen.get("SETTINGS ack") ?? 0} times`;
    },
    expected: "2 times",
  },
  {
    section: "6.5",
    name: "SETTINGS that acknowledge and set",
    run: sends([frame(type.SETTINGS, 1, 0, "000300000064")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.5",
    name: "SETTINGS on a stream",
    run: sends([frame(type.SETTINGS, 0, 1, "000300000064")]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.5",
    name: "SETTINGS of 5 bytes",
    run: sends([frame(type.SETTINGS, 0, 0, "0003000000")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.5.2",
    name: "ENABLE_PUSH of 2",
    run: sends([settingsFrame({ id: 2, value: 2 })]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.5.2",
    name: "INITIAL_WINDOW_SIZE of 2^31",
    run: sends([settingsFrame({ id: 4, value: 0x80000000 })]),
    expected: "GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    section: "6.5.2",
    name: "MAX_FRAME_SIZE of 16383",
    run: sends([settingsFrame({ id: 5, value: 16_383 })]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.5.2",
    name: "MAX_FRAME_SIZE of 2^24",
    run: sends([settingsFrame({ id: 5, value: 16_777_216 })]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.5.2",
    name: "a setting that nobody knows",
    run: sends([settingsFrame({ id: 0xff, value: 7 }), request(1)]),
    expected: "200",
  },
  {
    section: "6.5.3",
    name: "HEADER_TABLE_SIZE of 0, then 4096: answers can be decoded",
    run: sends(
      [
        settingsFrame({ id: 1, value: 0 }),
        request(1),
        settingsFrame({ id: 1, value: 4096 }),
        request(3),
      ],
      3,
    ),
    expected: "200",
  },
  {
    section: "6.6",
    name: "PUSH_PROMISE",
    run: sends([
      open(1),
      frame(type.PUSH_PROMISE, 4, 1, Buffer.concat([hex("00000002"), getRoot])),
    ]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.7",
    name: "PING is answered, and its answer is not",
    run: async (peer) => {
      await peer.begin();
      peer.send(frame(type.PING, flag.ACK, 0, ping));
      await peer.settle();
      return `${peer.seen.get("PING ack") ?? 0} time`;
    },
    expected: "1 time",
    node: "0 time",
  },
  {
    section: "6.7",
    name: "PING on a stream",
    run: sends([frame(type.PING, 0, 1, ping)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.7",
    name: "PING of 6 bytes",
    run: sends([frame(type.PING, 0, 0, "010203040506")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.8",
    name: "GOAWAY on a stream",
    run: sends([frame(type.GOAWAY, 0, 1, "00000000 00000000")]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.8",
    name: "GOAWAY of 4 bytes",
    run: sends([frame(type.GOAWAY, 0, 0, "00000000")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.8",
    name: "GOAWAY: what is open goes on",
    run: sends([open(1), frame(type.GOAWAY, 0, 0, "00000000 00000000"), data(1, "a", true)]),
    expected: "200",
  },
  {
    section: "6.9",
    name: "WINDOW_UPDATE by 0 of the connection",
    run: sends([windowUpdate(0, 0)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.9",
    name: "WINDOW_UPDATE by 0 of a stream",
    run: sends([never, windowUpdate(1, 0)]),
    expected: "RST_STREAM PROTOCOL_ERROR",
    node: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.9",
    name: "WINDOW_UPDATE of 3 bytes",
    run: sends([frame(type.WINDOW_UPDATE, 0, 0, "000001")]),
    expected: "GOAWAY FRAME_SIZE_ERROR",
  },
  {
    section: "6.9.1",
    name: "the window of the connection beyond 2^31 - 1",
    run: sends([windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)]),
    expected: "GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    section: "6.9.1",
    name: "the window of a stream beyond 2^31 - 1",
    run: sends([never, windowUpdate(1, 0x7fffffff), windowUpdate(1, 0x7fffffff)]),
    expected: "RST_STREAM FLOW_CONTROL_ERROR",
    node: "GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    section: "6.9.1",
    name: "no more is sent than a stream's window allows",
    run: async (peer) => {
      await peer.begin({ id: initialWindow, value: 1000 });
      peer.send(request(1, get("/large")));
      return partOf(peer, 1);
    },
    expected: "1000 bytes",
  },
  {
    section: "6.9.1",
    name: "no more is sent than the connection's window allows",
    run: async (peer) => {
      await peer.begin({ id: initialWindow, value: 1_000_000 });
      peer.send(request(1, get("/large")));
      return partOf(peer, 1);
    },
    expected: "65535 bytes",
  },
  {
    section: "6.9.1",
    name: "more is sent when the windows are opened",
    run: async (peer) => {
      await peer.begin();
      peer.send(request(1, get("/large")));
      await peer.settle();
      peer.send(windowUpdate(1, largeBytes), windowUpdate(0, largeBytes));
      return `${await peer.outcome(1)}, ${peer.bodyBytes(1)}`;
    },
    expected: `200, ${largeBytes}`,
  },
  {
    section: "6.9.2",
    name: "SETTINGS open the windows of streams that are there",
    run: async (peer) => {
      await peer.begin({ id: initialWindow, value: 0 });
      peer.send(request(1, get("/large")));
      await peer.settle();
      peer.send(settingsFrame({ id: initialWindow, value: 1 }));
      return partOf(peer, 1);
    },
    expected: "1 bytes",
  },
  {
    section: "6.9.2",
    name: "windows may become negative",
    run: async (peer) => {
      await peer.begin({ id: initialWindow, value: 100 });
      peer.send(request(1, get("/large")));
      await peer.settle();
      peer.send(settingsFrame({ id: initialWindow, value: 10 }), windowUpdate(1, 91));
      return partOf(peer, 1);
    },
    expected: "101 bytes",
  },
  {
    section: "6.9.2",
    name: "SETTINGS that make a window too large",
    run: sends([
      never,
      windowUpdate(1, 0x7fff0000),
      settingsFrame({ id: initialWindow, value: 0x7fffffff }),
    ]),
    expected: "GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    section: "6.9.1",
    name: "more DATA than the windows allow",
    run: async (peer) => {
      await peer.begin();
      peer.send(open(1, post("/never")));
      for (let mebibytes = 0; mebibytes < 2; mebibytes += 1) {
        const chunk = frame(type.DATA, 0, 1, Buffer.alloc(16_384));
        peer.send(...Array.from({ length: 64 }, () => chunk));
      }
      return peer.outcome(1);
    },
    expected: "RST_STREAM FLOW_CONTROL_ERROR",
    node: "GOAWAY FLOW_CONTROL_ERROR",
  },
  {
    section: "6.10",
    name: "CONTINUATION on stream 0",
    run: sends([frame(type.HEADERS, 1, 1, getRoot), frame(type.CONTINUATION, 4, 0)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.10",
    name: "CONTINUATION of another stream",
    run: sends([frame(type.HEADERS, 1, 1, getRoot), frame(type.CONTINUATION, 4, 3)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.10",
    name: "CONTINUATION behind a block that has ended",
    run: sends([never, frame(type.CONTINUATION, 4, 1)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.10",
    name: "CONTINUATION behind DATA",
    run: sends([open(1), data(1, "a"), frame(type.CONTINUATION, 4, 1)]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "6.10",
    name: "DATA within a block",
    run: sends([frame(type.HEADERS, 0, 1, getRoot), data(1, "a")]),
    expected: "GOAWAY PROTOCOL_ERROR",
  },
  {
    section: "7",
    name: "RST_STREAM with a code that nobody knows",
    run: sends([never, reset(1, 0xff), next], 3),
    expected: "200",
  },
  {
    section: "7",
    name: "GOAWAY with a code that nobody knows",
    run: sends([open(1), frame(type.GOAWAY, 0, 0, "00000000 000000ff"), data(1, "a", true)]),
    expected: "200",
    nodeWrong: "closed",
  },
];
