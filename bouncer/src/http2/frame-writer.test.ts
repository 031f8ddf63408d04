import { expect, test } from "vitest";
import { FrameWriter } from "./frame-writer.ts";

/** The lengths, types and flags of frames. */
function heads(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    found.push(`${bytes.readUIntBE(at, 3)} ${bytes[at + 3]} ${bytes[at + 4]}`);
  }
  return found;
}

test("what the peer takes only in parts is split", () => {
  const writer = new FrameWriter();
  writer.maxFrameSize = 16_384;
  writer.headers(1, Buffer.alloc(16_384), true);
  writer.headers(1, Buffer.alloc(40_000), true);
  writer.data(1, Buffer.alloc(32_768), false);
  writer.data(1, Buffer.alloc(32_769), true);
  expect(heads(writer.take())).toEqual([
    "16384 1 5",
    "16384 1 1",
    "16384 9 0",
    "7232 9 4",
    "16384 0 0",
    "16384 0 0",
    "16384 0 0",
    "16384 0 0",
    "1 0 1",
  ]);
});

test("what was taken stays as it is until all is sent, however much is written meanwhile", () => {
  const writer = new FrameWriter();
  writer.data(1, Buffer.alloc(100, 1), false);
  const first = writer.take();
  const before = first.toString("hex");
  for (let time = 0; time < 100; time += 1) writer.data(3, Buffer.alloc(1000, 2), false);
  const second = writer.take();
  const other = new FrameWriter();
  other.data(5, Buffer.alloc(5000, 3), false);
  expect(first.toString("hex")).toBe(before);
  expect(heads(second)).toHaveLength(100);
  writer.sent();
  expect(writer.length).toBe(0);
});

test("memory is used again once all is sent, and only then", () => {
  const writer = new FrameWriter();
  writer.reset(1, 0);
  const first = writer.take();
  writer.reset(3, 0);
  // Something waits, so the memory is still in use.
  writer.sent();
  const second = writer.take();
  expect(second.byteOffset).toBe(first.byteOffset + first.length);
  writer.sent();
  const other = new FrameWriter();
  other.reset(5, 0);
  const third = other.take();
  expect(third.buffer).toBe(first.buffer);
  expect(third.byteOffset).toBe(first.byteOffset);
});

test("the end of a stream goes onto its last frame while that waits", () => {
  const writer = new FrameWriter();
  writer.data(1, Buffer.alloc(3), false);
  expect(writer.endLast(3)).toBe(false);
  expect(writer.endLast(1)).toBe(true);
  expect(writer.endLast(1)).toBe(false);
  writer.headers(3, Buffer.alloc(40_000), false);
  expect(writer.endLast(3)).toBe(true);
  writer.data(5, Buffer.alloc(3), false);
  writer.windowUpdate(5, 1);
  expect(writer.endLast(5)).toBe(false);
  writer.data(7, Buffer.alloc(20_000), false);
  expect(writer.endLast(7)).toBe(true);
  writer.data(9, Buffer.alloc(3), false);
  const all = heads(writer.take());
  expect(writer.endLast(9)).toBe(false);
  expect(all).toEqual([
    "3 0 1",
    "16384 1 1",
    "16384 9 0",
    "7232 9 4",
    "3 0 0",
    "4 8 0",
    "16384 0 0",
    "3616 0 1",
    "3 0 0",
  ]);
});
