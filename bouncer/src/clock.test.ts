import { expect, test } from "vitest";
import { backoffMs, systemClock } from "./clock.ts";

const backoff = { baseMs: 100, capMs: 1000 };
const clockOf = (random: number) => ({ ...systemClock, random: () => random });

test.each([
  [0, 0.5, 50],
  [1, 0.5, 100],
  [3, 0.5, 400],
  [4, 0.5, 500],
  [10_000, 0.5, 500],
  [10_000, 0, 0],
])("attempt %d with chance %d waits %d ms", (attempt, random, ms) => {
  expect(backoffMs(backoff, attempt, clockOf(random))).toBe(ms);
});

test("a wait ends when it is aborted", async () => {
  const stop = new AbortController();
  const waiting = systemClock.wait(3_600_000, stop.signal);
  stop.abort();
  await expect(waiting).rejects.toThrow("aborted");
});
