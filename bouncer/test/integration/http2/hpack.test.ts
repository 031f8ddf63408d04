/**
 * Our HPACK against Node's: what its client sends we decode, and what we send it decodes, while the
 * tables of both change their sizes.
 */
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { frameFlags, frameTypes } from "../../../src/http2/frame.ts";
import { FrameReader } from "../../../src/http2/frame-reader.ts";
import { HpackDecoder } from "../../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../src/http2/hpack/encoder.ts";
import { createIndexing } from "../../../src/http2/hpack/indexing.ts";
import { block, frame, get, preface, RawPeer, settingsFrame } from "./raw-peer.ts";
import { startNode } from "./target.ts";

type Pair = [name: string, value: string];

const values = fc.oneof(
  fc.constantFrom("", "a", "value", "a somewhat longer value", "0123456789".repeat(60)),
  fc.stringMatching(/^[a-zA-Z0-9 ~"{}|\\^]{0,40}$/).map((text) => text.trim()),
);
const names = fc.constantFrom(
  "x-a",
  "x-b",
  "accept",
  "user-agent",
  "cookie",
  "authorization",
  "via",
);
const lists = fc.array(fc.array(fc.tuple(names, values), { maxLength: 10 }), {
  minLength: 20,
  maxLength: 20,
});

/** As objects of Node's are: no name twice. */
function once(pairs: readonly Pair[]): Pair[] {
  return [...new Map(pairs)];
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const ignore = (): void => undefined;
const silent = {
  onData: ignore,
  onHeaders: ignore,
  onReset: ignore,
  onSettings: ignore,
  onSettingsAck: ignore,
  onPing: ignore,
  onGoAway: ignore,
  onWindowUpdate: ignore,
  onIgnored: ignore,
  onProblem(problem: { readonly detail: string }): void {
    throw new Error(problem.detail);
  },
};

test.each([0, 100, 4096, 65_536])(
  "what Node encodes with a table of %i bytes",
  async (tableSize) => {
    const [requests] = fc.sample(lists, 1);
    const blocks: Buffer[] = [];
    let whole: () => void = ignore;
    const server = createServer((socket: Socket) => {
      socket.on("error", ignore);
      socket.write(settingsFrame({ id: 1, value: tableSize }));
      const reader = new FrameReader(
        {
          ...silent,
          onSettings() {
            socket.write(frame(frameTypes.SETTINGS, frameFlags.ACK, 0));
          },
          onHeaders(_streamId, bytes) {
            blocks.push(Buffer.from(bytes));
            if (blocks.length === requests?.length) whole();
          },
        },
        { role: "server", maxFrameSize: 16_384, maxBlockBytes: 100_000 },
      );
      socket.on("data", (chunk: Buffer) => {
        reader.read(chunk);
      });
    });
    const session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
    session.on("error", ignore);
    onTestFinished(() => {
      session.destroy();
    });
    await new Promise<void>((resolve) => {
      session.once("remoteSettings", () => {
        resolve();
      });
    });
    const done = new Promise<void>((resolve) => {
      whole = resolve;
    });
    for (const pairs of requests ?? []) {
      session.request({ ":path": "/", ...Object.fromEntries(once(pairs)) }).on("error", ignore);
    }
    await done;
    const decoder = new HpackDecoder({
      maxTableSize: tableSize,
      maxListSize: 1e6,
      check: () => null,
    });
    decoder.limitTable(tableSize);
    const decoded = blocks.map((bytes) => {
      const pairs: Pair[] = [];
      const { kind } = decoder.decode(bytes, ({ name, value }) => {
        if (!name.startsWith(":")) pairs.push([name, value]);
      });
      return { kind, pairs };
    });
    expect(decoded).toEqual(requests?.map((pairs) => ({ kind: "list", pairs: once(pairs) })));
  },
);

test.each([0, 100, 4096, 65_536])(
  "what Node decodes with a table of %i bytes",
  async (tableSize) => {
    const [requests = []] = fc.sample(lists, 1);
    const received: Pair[][] = [];
    let whole: () => void = ignore;
    const done = new Promise<void>((resolve) => {
      whole = resolve;
    });
    const server = createHttp2Server({ settings: { headerTableSize: tableSize } });
    server.on("sessionError", (error) => {
      throw error;
    });
    server.on("stream", (stream, _headers, _flags, raw: readonly string[]) => {
      stream.on("error", ignore);
      const pairs: Pair[] = [];
      for (let at = 0; at + 1 < raw.length; at += 2) {
        const name = raw[at] ?? "";
        if (!name.startsWith(":")) pairs.push([name, raw[at + 1] ?? ""]);
      }
      received.push(pairs);
      stream.close();
      if (received.length === requests.length) whole();
    });
    const port = await listen(server);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", ignore);
    socket.write(Buffer.concat([preface, settingsFrame()]));
    onTestFinished(() => {
      socket.destroy();
    });
    const encoder = new HpackEncoder({ maxTableSize: 4096, decide: createIndexing() });
    const send = (): void => {
      for (const [at, pairs] of requests.entries()) {
        encoder.begin();
        encoder.field(":method", "GET", false);
        encoder.field(":scheme", "http", false);
        encoder.field(":path", "/", false);
        encoder.field(":authority", "app", false);
        for (const [name, value] of pairs) encoder.field(name, value, value === "a");
        const flags = frameFlags.END_HEADERS | frameFlags.END_STREAM;
        socket.write(frame(frameTypes.HEADERS, flags, 1 + 2 * at, Buffer.from(encoder.end())));
      }
    };
    const reader = new FrameReader(
      {
        ...silent,
        onSettings(entries) {
          const size = entries.find(({ id }) => id === 1)?.value;
          if (size !== undefined) encoder.limitTable(size);
          socket.write(frame(frameTypes.SETTINGS, frameFlags.ACK, 0));
          send();
        },
      },
      { role: "client", maxFrameSize: 16_384, maxBlockBytes: 100_000 },
    );
    socket.on("data", (chunk: Buffer) => {
      reader.read(chunk);
    });
    await done;
    expect(received).toEqual(requests);
  },
);

/** What a block may be made of: in order, nearly, or not at all. */
const literal = fc.tuple(
  fc.constantFrom([0x00, 1, 0x61], [0x10, 1, 0x62], [0x40, 1, 0x63], [0x44], [0x7e]),
  fc.boolean(),
  fc.uint8Array({ maxLength: 10 }),
);
const part = fc.oneof(
  fc.integer({ min: 0x80, max: 0xff }).map((byte) => [byte]),
  literal.map(([head, isCoded, text]) => [...head, (isCoded ? 0x80 : 0) | text.length, ...text]),
  fc.uint8Array({ maxLength: 7 }).map((bytes) => [...bytes]),
  fc.integer({ min: 0, max: 0xff }).map((byte) => [0xff, 0x80, 0x80, 0x80, byte]),
);
const sizes = fc.constantFrom([], [], [0x20], [0x3f, 0xe1, 0x1f], [0x3f, 0xe2, 0x1f], [0x20, 0x2a]);
const anyBlock = fc
  .tuple(sizes, fc.array(part, { maxLength: 4 }))
  .map(([before, parts]) =>
    Buffer.concat([Buffer.from(before), block(get("/")), Buffer.from(parts.flat())]),
  );

test("what Node takes for malformed is malformed for us", async () => {
  const target = await startNode();
  onTestFinished(() => target.close());
  const tally = { malformed: 0, list: 0, oversized: 0 };
  await fc.assert(
    fc.asyncProperty(anyBlock, async (bytes) => {
      const decoder = new HpackDecoder({ maxTableSize: 4096, maxListSize: 1e6, check: () => null });
      const { kind } = decoder.decode(bytes, ignore);
      tally[kind] += 1;
      const peer = await RawPeer.connect(target.port);
      await peer.begin();
      const flags = frameFlags.END_HEADERS | frameFlags.END_STREAM;
      peer.send(frame(frameTypes.HEADERS, flags, 1, bytes));
      const outcome = await peer.outcome(1);
      peer.close();
      expect(kind === "malformed" || outcome !== "GOAWAY COMPRESSION_ERROR").toBe(true);
    }),
    { numRuns: 300 },
  );
  expect(Math.min(tally.malformed, tally.list)).toBeGreaterThan(20);
});
