import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { collectAtRest, restTiming } from "./rest.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Each look finds one of these; what the collection takes is looked at, too, and thrown away. */
const cases: readonly (readonly [name: string, used: readonly number[], collections: number])[] = [
  ["quiet from the start: once", [0, 0, 0], 1],
  ["never quiet: not at all", [0.5, 0.02, 0.9], 0],
  ["quiet after the start", [0.5, 0.02, 0.005, 0], 1],
  ["what little goes on all the time is no reason to collect again", [0, 0.05, 0, 0.05, 0], 1],
  ["again after a busy time", [0, 0.4, 0, 0.4, 0.4, 0], 3],
];

test.each(cases)("%s", (_name, used, collections) => {
  const looks = [...used];
  const collect = vi.fn<() => void>();
  let wasCollected = false;
  const stop = collectAtRest({
    utilization: () => {
      if (!wasCollected) return looks.shift() ?? 0.05;
      wasCollected = false;
      return 1;
    },
    collect: () => {
      wasCollected = true;
      collect();
    },
  });
  vi.advanceTimersByTime(restTiming.lookMs * used.length);
  stop();
  vi.advanceTimersByTime(restTiming.lookMs * 10);
  expect(collect).toHaveBeenCalledTimes(collections);
});
