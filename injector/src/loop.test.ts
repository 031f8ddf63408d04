import { describe, expect, test } from "vitest";
import { createLoop, waitAtMost } from "./loop.ts";

/** Records the waits; `elapse` ends the last one. */
function setUp(task: () => Promise<void>) {
  const waits: number[] = [];
  const errors: unknown[] = [];
  let pending: (() => void) | null = null;
  const loop = createLoop({
    task,
    onError: (error) => errors.push(error),
    intervalMs: 30_000,
    retryMs: 1000,
    timer: {
      after: (ms, callback) => {
        waits.push(ms);
        pending = callback;
        return () => {
          pending = null;
        };
      },
    },
  });
  return { loop, waits, errors, elapse: () => pending?.(), isWaiting: () => pending !== null };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("runs at once, and again after the interval", async () => {
  let runs = 0;
  const { waits, elapse } = setUp(async () => {
    runs += 1;
  });
  await settled();
  elapse();
  await settled();
  expect({ runs, waits }).toEqual({ runs: 2, waits: [30_000, 30_000] });
});

test("backs off after failures, never beyond the interval, and starts over after a success", async () => {
  let runs = 0;
  const { waits, errors, elapse } = setUp(async () => {
    runs += 1;
    if (runs < 8) throw new Error("no");
  });
  for (let run = 0; run < 9; run += 1) {
    await settled();
    elapse();
  }
  await settled();
  expect(waits.slice(0, 9)).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000,
  ]);
  expect(errors).toHaveLength(7);
});

test("a trigger during a run is one more run after it, and never two at a time", async () => {
  const runs: (() => void)[] = [];
  const { loop } = setUp(() => new Promise((resolve) => runs.push(resolve)));
  loop.trigger();
  loop.trigger();
  expect(runs).toHaveLength(1);
  runs[0]?.();
  await settled();
  expect(runs).toHaveLength(2);
  runs[1]?.();
  await settled();
  expect(runs).toHaveLength(2);
});

test("a trigger while it waits runs at once, and ends the wait", async () => {
  let runs = 0;
  const { loop, waits } = setUp(async () => {
    runs += 1;
  });
  await settled();
  loop.trigger();
  await settled();
  expect({ runs, waits: waits.length }).toEqual({ runs: 2, waits: 2 });
});

test("closing waits for the run that is under way, and nothing runs after it", async () => {
  const finish = Promise.withResolvers<void>();
  let runs = 0;
  const { loop, isWaiting } = setUp(() => {
    runs += 1;
    return finish.promise;
  });
  loop.trigger();
  const order: string[] = [];
  const closing = loop.close().finally(() => order.push("closed"));
  await settled();
  order.push("finished");
  finish.resolve();
  await closing;
  expect(order).toEqual(["finished", "closed"]);
  loop.trigger();
  await settled();
  expect({ runs, waiting: isWaiting() }).toEqual({ runs: 1, waiting: false });
});

describe("waiting at most so long", () => {
  test("ends with what came in time", async () => {
    const timer = { after: () => () => undefined };
    expect(await waitAtMost(Promise.resolve(1), 100, timer)).toBe(1);
  });

  test("ends with nothing when the time is over", async () => {
    const timer = {
      after: (_ms: number, callback: () => void) => {
        callback();
        return () => undefined;
      },
    };
    expect(await waitAtMost(new Promise(() => undefined), 100, timer)).toBeNull();
  });
});
