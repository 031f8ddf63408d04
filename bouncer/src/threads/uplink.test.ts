import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { noSpreadCounts } from "../policy/spread-counts.ts";
import { Board } from "./board.ts";
import type { Batch } from "./messages.ts";
import { Uplink, uplinkLimits } from "./uplink.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function create() {
  const batches: Batch[] = [];
  const board = new Board(2);
  const uplink = new Uplink({
    board,
    index: 1,
    numbers: () => ({ ...noSpreadCounts, connections: 0 }),
    post: (batch) => batches.push(batch),
  });
  return { batches, board, uplink };
}

test("what came within a moment goes together, and is held until then", () => {
  const { batches, board, uplink } = create();
  uplink.addRecord('{"a":1');
  uplink.addRecord('{"a":2');
  uplink.addLine("line\n");
  expect(board.countHeld(1)).toBe(2);
  expect(batches).toEqual([]);
  vi.advanceTimersByTime(uplinkLimits.flushMs);
  expect(batches).toMatchObject([{ records: '{"a":1\n{"a":2\n', lines: "line\n", size: 19 }]);
  expect(board.countHeld(1)).toBe(0);
  vi.advanceTimersByTime(1000);
  expect(batches).toHaveLength(1);
});

test("a full batch does not wait", () => {
  const { batches, uplink } = create();
  uplink.addRecord("x".repeat(uplinkLimits.batchSize));
  expect(batches).toHaveLength(1);
});

test("while nothing is taken over, records beyond the bound are lost and counted", () => {
  const { batches, uplink } = create();
  const record = "x".repeat(uplinkLimits.batchSize);
  const fitting = Math.floor(uplinkLimits.maxSize / (record.length + 1));
  for (let count = 0; count < fitting + 3; count += 1) uplink.addRecord(record);
  expect(batches).toHaveLength(fitting);
  vi.advanceTimersByTime(uplinkLimits.flushMs);
  expect(batches.at(-1)).toMatchObject({ records: "", lostRecords: 3 });
  for (const { size } of batches) uplink.taken(size);
  uplink.addRecord(record);
  expect(batches.at(-1)).toMatchObject({ records: `${record}\n`, lostRecords: 0 });
});
