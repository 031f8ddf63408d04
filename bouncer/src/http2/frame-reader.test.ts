import * as fc from "fast-check";
import { expect, test } from "vitest";
import { errorCodeName } from "./error-code.ts";
import { connectionPreface, frameFlags, frameTypes, type FrameVisitor } from "./frame.ts";
import { FrameReader, type FrameReaderOptions } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";

const { ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY } = frameFlags;

const clientOptions: FrameReaderOptions = {
  role: "client",
  maxFrameSize: 16_384,
  maxBlockBytes: 20_000,
};

/** Everything as text; DATA as it is once it is whole, however it came. */
class Recorder implements FrameVisitor {
  readonly events: string[] = [];
  #data = "";
  #flowControlled = 0;

  onData(streamId: number, bytes: Buffer, endStream: boolean, flowControlled: number): void {
    this.#data += bytes.toString("hex");
    this.#flowControlled += flowControlled;
    const last = this.events.at(-1);
    if (last?.startsWith(`DATA ${streamId} `) === true) this.events.pop();
    else {
      this.#data = bytes.toString("hex");
      this.#flowControlled = flowControlled;
    }
    this.events.push(
      `DATA ${streamId} ${this.#data} of ${this.#flowControlled}${endStream ? " end" : ""}`,
    );
  }
  onHeaders(streamId: number, block: Buffer, endStream: boolean): void {
    this.events.push(`HEADERS ${streamId} ${block.toString("hex")}${endStream ? " end" : ""}`);
  }
  onReset(streamId: number, code: number): void {
    this.events.push(`RST_STREAM ${streamId} ${errorCodeName(code)}`);
  }
  onSettings(entries: readonly { readonly id: number; readonly value: number }[]): void {
    this.events.push(`SETTINGS ${entries.map(({ id, value }) => `${id}=${value}`).join(" ")}`);
  }
  onSettingsAck(): void {
    this.events.push("SETTINGS ack");
  }
  onPing(data: Buffer, isAck: boolean): void {
    this.events.push(`PING ${data.toString("hex")}${isAck ? " ack" : ""}`);
  }
  onGoAway(lastStreamId: number, code: number, debug: Buffer): void {
    this.events.push(`GOAWAY ${lastStreamId} ${errorCodeName(code)} ${debug.toString("latin1")}`);
  }
  onWindowUpdate(streamId: number, increment: number): void {
    this.events.push(`WINDOW_UPDATE ${streamId} ${increment}`);
  }
  onIgnored(type: number, streamId: number): void {
    this.events.push(`ignored ${type} ${streamId}`);
  }
  onProblem(problem: Parameters<FrameVisitor["onProblem"]>[0]): void {
    const { kind, code, streamId, detail } = problem;
    this.events.push(`${kind} ${streamId} ${errorCodeName(code)}: ${detail}`);
  }
}

function frame(type: number, flags: number, streamId: number, payload = ""): Buffer {
  const bytes = Buffer.from(payload.replaceAll(" ", ""), "hex");
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

const settings = frame(frameTypes.SETTINGS, 0, 0);

/** What is told of the frames, which come behind the first SETTINGS, in chunks of `size`. */
function read(bytes: Buffer, size: number, options = clientOptions): string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, options);
  for (let at = 0; at < bytes.length; at += size) {
    // The memory is used for something else right after the call, as a shared buffer is.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    reader.read(chunk);
    chunk.fill(0xee);
  }
  return recorder.events;
}

function readAfterSettings(...frames: readonly Buffer[]): string[] {
  const [first, ...events] = read(Buffer.concat([settings, ...frames]), 1_000_000);
  expect(first).toBe("SETTINGS ");
  return events;
}

const { DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING } = frameTypes;
const { GOAWAY, WINDOW_UPDATE, CONTINUATION } = frameTypes;

test.each<{ name: string; frames: Buffer[]; events: string[] }>([
  { name: "DATA", frames: [frame(DATA, END_STREAM, 1, "6162")], events: ["DATA 1 6162 of 2 end"] },
  {
    name: "DATA with padding, which counts",
    frames: [frame(DATA, PADDED | END_STREAM, 1, "02 61 0000")],
    events: ["DATA 1 61 of 4 end"],
  },
  {
    name: "DATA that is all padding",
    frames: [frame(DATA, PADDED, 1, "02 0000")],
    events: ["DATA 1  of 3"],
  },
  { name: "DATA without any", frames: [frame(DATA, 0, 1)], events: ["DATA 1  of 0"] },
  {
    name: "HEADERS",
    frames: [frame(HEADERS, END_HEADERS | END_STREAM, 3, "82")],
    events: ["HEADERS 3 82 end"],
  },
  {
    name: "HEADERS with padding and priority",
    frames: [frame(HEADERS, END_HEADERS | PADDED | PRIORITY, 3, "01 00000000 10 82 00")],
    events: ["HEADERS 3 82"],
  },
  {
    name: "HEADERS in three parts",
    frames: [
      frame(HEADERS, END_STREAM, 3, "82"),
      frame(CONTINUATION, 0, 3),
      frame(CONTINUATION, END_HEADERS, 3, "8384"),
    ],
    events: ["HEADERS 3 828384 end"],
  },
  {
    name: "RST_STREAM with a code that nobody knows",
    frames: [frame(RST_STREAM, 0, 1, "00000008"), frame(RST_STREAM, 0, 3, "000000ff")],
    events: ["RST_STREAM 1 CANCEL", "RST_STREAM 3 0xff"],
  },
  {
    name: "SETTINGS",
    frames: [frame(SETTINGS, 0, 0, "0003 00000064 00ff 00000001"), frame(SETTINGS, ACK, 0)],
    events: ["SETTINGS 3=100 255=1", "SETTINGS ack"],
  },
  {
    name: "PING",
    frames: [frame(PING, 0, 0, "0102030405060708"), frame(PING, ACK, 0, "0102030405060708")],
    events: ["PING 0102030405060708", "PING 0102030405060708 ack"],
  },
  {
    name: "GOAWAY",
    frames: [frame(GOAWAY, 0, 0, "80000005 00000000 627965")],
    events: ["GOAWAY 5 NO_ERROR bye"],
  },
  {
    name: "WINDOW_UPDATE, whose reserved bit is ignored",
    frames: [frame(WINDOW_UPDATE, 0, 0, "00000001"), frame(WINDOW_UPDATE, 0, 5, "ffffffff")],
    events: ["WINDOW_UPDATE 0 1", "WINDOW_UPDATE 5 2147483647"],
  },
  {
    name: "the reserved bit of a stream is ignored",
    frames: [frame(DATA, 0, 0x80000001, "61")],
    events: ["DATA 1 61 of 1"],
  },
  {
    name: "flags that nobody knows are ignored",
    frames: [frame(DATA, 0xf6, 1, "61"), frame(PING, 0xfe, 0, "0102030405060708")],
    events: ["DATA 1 61 of 1", "PING 0102030405060708"],
  },
  {
    name: "PRIORITY and types that nobody knows are ignored",
    frames: [
      frame(frameTypes.PRIORITY, 0, 3, "0000000010"),
      frame(0x10, 0xff, 0, "616263"),
      frame(0xff, 0, 7),
      frame(PING, 0, 0, "0102030405060708"),
    ],
    events: ["ignored 2 3", "ignored 16 0", "ignored 255 7", "PING 0102030405060708"],
  },
])("reads $name", ({ frames, events }) => {
  expect(readAfterSettings(...frames)).toEqual(events);
});

const padding = "DATA: 4 bytes of padding are too many";

test.each<{ name: string; frames: Buffer[]; events: string[] }>([
  {
    name: "DATA on stream 0",
    frames: [frame(DATA, 0, 0)],
    events: ["connection 0 PROTOCOL_ERROR: DATA on stream 0, must be on one of its own"],
  },
  {
    name: "DATA, padding as long as the payload",
    frames: [frame(DATA, PADDED, 1, "04 00000000")],
    events: ["DATA 1  of 5"],
  },
  {
    name: "DATA, padding longer than the payload",
    frames: [frame(DATA, PADDED, 1, "04 000000")],
    events: [`connection 1 PROTOCOL_ERROR: ${padding}`],
  },
  {
    name: "DATA without the length of its padding",
    frames: [frame(DATA, PADDED, 1)],
    events: ["connection 1 FRAME_SIZE_ERROR: DATA with 0 bytes, must have 1 or more"],
  },
  {
    name: "HEADERS on stream 0",
    frames: [frame(HEADERS, END_HEADERS, 0, "82")],
    events: ["connection 0 PROTOCOL_ERROR: HEADERS on stream 0, must be on one of its own"],
  },
  {
    name: "HEADERS with too much padding",
    frames: [frame(HEADERS, END_HEADERS | PADDED, 1, "02 82")],
    events: ["connection 1 PROTOCOL_ERROR: HEADERS: the padding is longer than the frame"],
  },
  {
    name: "HEADERS too short for priority",
    frames: [frame(HEADERS, END_HEADERS | PRIORITY, 1, "00000000")],
    events: ["connection 1 FRAME_SIZE_ERROR: HEADERS with 4 bytes, must have 5 or more"],
  },
  {
    name: "PRIORITY on stream 0",
    frames: [frame(frameTypes.PRIORITY, 0, 0, "0000000010")],
    events: ["connection 0 PROTOCOL_ERROR: PRIORITY on stream 0, must be on one of its own"],
  },
  {
    name: "PRIORITY of 4 bytes",
    frames: [frame(frameTypes.PRIORITY, 0, 3, "00000000"), frame(DATA, 0, 1, "61")],
    events: ["connection 3 FRAME_SIZE_ERROR: PRIORITY with 4 bytes, must have 5"],
  },
  {
    name: "RST_STREAM on stream 0",
    frames: [frame(RST_STREAM, 0, 0, "00000008")],
    events: ["connection 0 PROTOCOL_ERROR: RST_STREAM on stream 0, must be on one of its own"],
  },
  {
    name: "RST_STREAM of 3 bytes",
    frames: [frame(RST_STREAM, 0, 1, "000008")],
    events: ["connection 1 FRAME_SIZE_ERROR: RST_STREAM with 3 bytes, must have 4"],
  },
  {
    name: "SETTINGS on a stream",
    frames: [frame(SETTINGS, 0, 1)],
    events: ["connection 1 PROTOCOL_ERROR: SETTINGS on stream 1, must be on 0"],
  },
  {
    name: "SETTINGS of 5 bytes",
    frames: [frame(SETTINGS, 0, 0, "0003000000")],
    events: [
      "connection 0 FRAME_SIZE_ERROR: SETTINGS with 5 bytes, must have a multiple of 6, or 0 with ACK",
    ],
  },
  {
    name: "SETTINGS that acknowledge and set",
    frames: [frame(SETTINGS, ACK, 0, "000300000064")],
    events: [
      "connection 0 FRAME_SIZE_ERROR: SETTINGS with 6 bytes, must have a multiple of 6, or 0 with ACK",
    ],
  },
  {
    name: "PUSH_PROMISE",
    frames: [frame(PUSH_PROMISE, END_HEADERS, 1, "00000002 82")],
    events: ["connection 1 PROTOCOL_ERROR: PUSH_PROMISE, but push is not enabled"],
  },
  {
    name: "PING on a stream",
    frames: [frame(PING, 0, 1, "0102030405060708")],
    events: ["connection 1 PROTOCOL_ERROR: PING on stream 1, must be on 0"],
  },
  {
    name: "PING of 7 bytes",
    frames: [frame(PING, 0, 0, "01020304050607")],
    events: ["connection 0 FRAME_SIZE_ERROR: PING with 7 bytes, must have 8"],
  },
  {
    name: "GOAWAY on a stream",
    frames: [frame(GOAWAY, 0, 1, "00000000 00000000")],
    events: ["connection 1 PROTOCOL_ERROR: GOAWAY on stream 1, must be on 0"],
  },
  {
    name: "GOAWAY of 7 bytes",
    frames: [frame(GOAWAY, 0, 0, "00000000 000000")],
    events: ["connection 0 FRAME_SIZE_ERROR: GOAWAY with 7 bytes, must have 8 or more"],
  },
  {
    name: "WINDOW_UPDATE of 5 bytes",
    frames: [frame(WINDOW_UPDATE, 0, 0, "0000000100")],
    events: ["connection 0 FRAME_SIZE_ERROR: WINDOW_UPDATE with 5 bytes, must have 4"],
  },
  {
    name: "WINDOW_UPDATE by 0 of the connection",
    frames: [frame(WINDOW_UPDATE, 0, 0, "80000000")],
    events: ["connection 0 PROTOCOL_ERROR: WINDOW_UPDATE: the increment is 0"],
  },
  {
    name: "WINDOW_UPDATE by 0 of a stream",
    frames: [frame(WINDOW_UPDATE, 0, 3, "00000000"), frame(DATA, 0, 1, "61")],
    events: ["stream 3 PROTOCOL_ERROR: WINDOW_UPDATE: the increment is 0", "DATA 1 61 of 1"],
  },
  {
    name: "CONTINUATION without a block",
    frames: [frame(CONTINUATION, END_HEADERS, 1)],
    events: ["connection 1 PROTOCOL_ERROR: CONTINUATION, but no field block is open"],
  },
  {
    name: "CONTINUATION behind the end of a block",
    frames: [frame(HEADERS, END_HEADERS, 1, "82"), frame(CONTINUATION, END_HEADERS, 1)],
    events: [
      "HEADERS 1 82",
      "connection 1 PROTOCOL_ERROR: CONTINUATION, but no field block is open",
    ],
  },
  {
    name: "CONTINUATION of another stream",
    frames: [frame(HEADERS, 0, 1, "82"), frame(CONTINUATION, END_HEADERS, 3)],
    events: [
      "connection 3 PROTOCOL_ERROR: a frame of type 9 for stream 3 within the field block of stream 1",
    ],
  },
  {
    name: "DATA within a block",
    frames: [frame(HEADERS, 0, 1, "82"), frame(DATA, 0, 1)],
    events: [
      "connection 1 PROTOCOL_ERROR: a frame of type 0 for stream 1 within the field block of stream 1",
    ],
  },
  {
    name: "HEADERS within a block",
    frames: [frame(HEADERS, 0, 1, "82"), frame(HEADERS, END_HEADERS, 1)],
    events: [
      "connection 1 PROTOCOL_ERROR: a frame of type 1 for stream 1 within the field block of stream 1",
    ],
  },
  {
    name: "an unknown type within a block",
    frames: [frame(HEADERS, 0, 1, "82"), frame(0xff, 0, 1)],
    events: [
      "connection 1 PROTOCOL_ERROR: a frame of type 255 for stream 1 within the field block of stream 1",
    ],
  },
  {
    name: "a frame that is too large",
    frames: [frame(0xff, 0, 1, "00".repeat(16_385))],
    events: ["connection 1 FRAME_SIZE_ERROR: a frame of 16385 bytes, at most 16384 are accepted"],
  },
  {
    name: "a frame that is as large as it may be",
    frames: [frame(0xff, 0, 1, "00".repeat(16_384))],
    events: ["ignored 255 1"],
  },
  {
    name: "a block of too many bytes",
    frames: [
      frame(HEADERS, 0, 1, "82".repeat(10_000)),
      frame(CONTINUATION, 0, 1, "82".repeat(10_001)),
    ],
    events: [
      "connection 1 ENHANCE_YOUR_CALM: a field block of more than 20000 bytes or 32 CONTINUATION frames",
    ],
  },
  {
    name: "a block of too many frames",
    frames: [frame(HEADERS, 0, 1), ...Array.from({ length: 33 }, () => frame(CONTINUATION, 0, 1))],
    events: [
      "connection 1 ENHANCE_YOUR_CALM: a field block of more than 20000 bytes or 32 CONTINUATION frames",
    ],
  },
  {
    name: "nothing is read behind an error",
    frames: [frame(DATA, 0, 0), frame(DATA, 0, 1, "61")],
    events: ["connection 0 PROTOCOL_ERROR: DATA on stream 0, must be on one of its own"],
  },
])("checks $name", ({ frames, events }) => {
  expect(readAfterSettings(...frames)).toEqual(events);
});

test("a block larger than the limit in one frame", () => {
  const options = { ...clientOptions, maxBlockBytes: 10 };
  const bytes = Buffer.concat([settings, frame(HEADERS, END_HEADERS, 1, "82".repeat(11))]);
  expect(read(bytes, 1000, options).at(-1)).toContain("ENHANCE_YOUR_CALM");
});

const preface = Buffer.from(connectionPreface, "latin1");
const serverOptions: FrameReaderOptions = { ...clientOptions, role: "server" };
const noSettings = "connection 1 PROTOCOL_ERROR: the first frame is not SETTINGS";

test.each<{ name: string; bytes: Buffer; options: FrameReaderOptions; events: string[] }>([
  {
    name: "of a client",
    bytes: Buffer.concat([preface, settings]),
    options: serverOptions,
    events: ["SETTINGS "],
  },
  { name: "of a server", bytes: settings, options: clientOptions, events: ["SETTINGS "] },
  {
    name: "of a client without the preface",
    bytes: settings,
    options: serverOptions,
    events: ["connection 0 PROTOCOL_ERROR: the connection does not begin with the preface"],
  },
  {
    name: "of a client that has it wrong in the end",
    bytes: Buffer.from(`${connectionPreface.slice(0, -1)}\r`, "latin1"),
    options: serverOptions,
    events: ["connection 0 PROTOCOL_ERROR: the connection does not begin with the preface"],
  },
  {
    name: "of a server, with DATA",
    bytes: frame(DATA, 0, 1),
    options: clientOptions,
    events: [noSettings],
  },
  {
    name: "of a server, with an acknowledgement",
    bytes: frame(SETTINGS, ACK, 0),
    options: clientOptions,
    events: [noSettings.replace(" 1 ", " 0 ")],
  },
])("the beginning $name", ({ bytes, options, events }) => {
  expect(read(bytes, 1000, options)).toEqual(events);
  expect(read(bytes, 1, options)).toEqual(events);
});

const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const stream = fc.constantFrom(1, 3, 5);
/** Frames that are mostly in order. */
const anyFrame = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(stream, payload, fc.boolean())
      .map(([id, hex, end]) => frame(DATA, end ? END_STREAM : 0, id, hex)),
  },
  fc
    .tuple(stream, payload, fc.nat(20))
    .map(([id, hex, pad]) =>
      frame(DATA, PADDED, id, `${Buffer.from([pad]).toString("hex")}${hex}${"00".repeat(pad)}`),
    ),
  fc.tuple(stream, payload).map(([id, hex]) => frame(HEADERS, END_HEADERS, id, hex)),
  fc
    .tuple(stream, payload, payload)
    .map(([id, first, second]) =>
      Buffer.concat([frame(HEADERS, 0, id, first), frame(CONTINUATION, END_HEADERS, id, second)]),
    ),
  stream.map((id) => frame(WINDOW_UPDATE, 0, id, "00000100")),
  fc.constantFrom(
    settings,
    frame(SETTINGS, 0, 0, "000300000064"),
    frame(SETTINGS, ACK, 0),
    frame(PING, 0, 0, "0102030405060708"),
    frame(GOAWAY, 0, 0, "00000000 00000000 616263"),
    frame(0x20, 1, 3, "616263"),
    frame(frameTypes.PRIORITY, 0, 3, "00"),
    frame(RST_STREAM, 0, 3, "00000000"),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);

test("what is told does not depend on how the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 12 }),
      fc.integer({ min: 1, max: 60 }),
      (frames, size) => {
        const bytes = Buffer.concat([settings, ...frames]);
        expect(read(bytes, size)).toEqual(read(bytes, 1_000_000));
      },
    ),
    { numRuns: 500 },
  );
});

test("whatever comes, the reader never throws, and says nothing behind an error of the connection", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (random, isServer) => {
      const bytes = Buffer.concat([isServer ? preface : settings, random]);
      const events = read(bytes, 1_000_000, isServer ? serverOptions : clientOptions);
      const at = events.findIndex((event) => event.startsWith("connection"));
      expect(at === -1 || at === events.length - 1).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("within the preface and within field blocks a peer that goes silent can be told", () => {
  const reader = new FrameReader(new Recorder(), serverOptions);
  const steps: boolean[] = [reader.isWithinHead];
  const headers = frame(HEADERS, 0, 1, "8283");
  const data = frame(DATA, 0, 1, "616263");
  const parts = [
    preface,
    settings,
    headers.subarray(0, 10),
    headers.subarray(10),
    frame(CONTINUATION, END_HEADERS, 1),
    data.subarray(0, 11),
    data.subarray(11),
  ];
  for (const part of parts) {
    reader.read(part);
    steps.push(reader.isWithinHead);
  }
  expect(steps).toEqual([true, false, false, true, true, false, false, false]);
});

test("it stops when its visitor says so, in the middle of a chunk", () => {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, clientOptions);
  recorder.onReset = () => {
    reader.stop();
  };
  const reset = frame(RST_STREAM, 0, 1, "00000000");
  reader.read(Buffer.concat([settings, reset, frame(DATA, 0, 1, "61")]));
  reader.read(frame(DATA, 0, 1, "61"));
  expect(recorder.events).toEqual(["SETTINGS "]);
});

test("everything that the writer writes is read as it was meant", () => {
  const writer = new FrameWriter();
  writer.preface();
  writer.settings([{ id: 4, value: 0xffffffff }]);
  writer.settingsAck();
  writer.headers(1, Buffer.alloc(0), true);
  writer.headers(3, Buffer.from("828384", "hex"), false);
  writer.data(3, Buffer.from("ab"), false);
  writer.data(3, Buffer.alloc(0), true);
  writer.windowUpdate(0, 0x7fffffff);
  writer.ping(Buffer.from("0102030405060708", "hex"), true);
  writer.reset(5, 11);
  writer.goAway(7, 1, "that was too much");
  expect(read(writer.take(), 3, serverOptions)).toEqual([
    "SETTINGS 4=4294967295",
    "SETTINGS ack",
    "HEADERS 1  end",
    "HEADERS 3 828384",
    "DATA 3 6162 of 2 end",
    "WINDOW_UPDATE 0 2147483647",
    "PING 0102030405060708 ack",
    "RST_STREAM 5 ENHANCE_YOUR_CALM",
    "GOAWAY 7 PROTOCOL_ERROR that was too much",
  ]);
});
