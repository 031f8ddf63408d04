import { expect, test } from "vitest";
import { findExcess, formatTable, type Measured } from "./report.ts";

const good: Measured = {
  reconnect: {
    bouncers: 2000,
    bundleKiB: 100,
    seconds: 12.3,
    lost: 0,
    tokenReviews: 2000,
    peakMiB: 150,
    settledMiB: 120,
  },
  propagation: {
    simulated: 192,
    policies: 8,
    processes: 2,
    bundleKiB: 40,
    changes: 5,
    lastSimulated: 0.7,
    firstPolicy: 0.3,
    lastPolicy: 1.2,
    slowest: 1.5,
    cpuSecondsPerPolicy: 0.01,
  },
};

test("what is promised is held", () => {
  expect(findExcess(good)).toEqual([]);
  expect(formatTable(good)).toContain("150 MiB at its highest");
});

test.each([
  ["a lost update", { ...good, reconnect: { ...good.reconnect, lost: 1 } }, "1 bouncers"],
  ["too much memory", { ...good, reconnect: { ...good.reconnect, peakMiB: 201 } }, "201 MiB"],
  [
    "too slow a change",
    { ...good, propagation: { ...good.propagation, slowest: 2.1 } },
    "2.10 s, more than 2",
  ],
])("%s is said", (_name, measured, text) => {
  expect(findExcess(measured).join()).toContain(text);
});
