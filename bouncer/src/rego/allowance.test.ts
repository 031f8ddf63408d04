import { expect, test } from "vitest";
import { Allowance } from "./allowance.ts";
import { OpenQuery } from "./query.ts";

/** Clocks that stand still until a test moves them. */
function allow(budgetMs: number) {
  const time = { wallMs: 1000, cpuMs: 500 };
  let readings = 0;
  const query = new OpenQuery(() => 0n);
  const allowance = new Allowance(query, budgetMs, {
    wallMs: () => time.wallMs,
    cpuMs: () => {
      readings += 1;
      return time.cpuMs;
    },
  });
  return { time, query, allowance, readings: () => readings };
}

test("what waits is not late, what computes is, and what would be is told before", () => {
  const { time, query, allowance } = allow(10);
  expect(query.isLate(9)).toBe(false);
  expect(query.isLate(10)).toBe(true);
  // A container that stands still for a second.
  time.wallMs += 1000;
  expect(query.isLate(9)).toBe(false);
  time.cpuMs += 5;
  expect(query.isLate(4)).toBe(false);
  expect(query.isLate(5)).toBe(true);
  expect(allowance.deadline).toBe(510);
});

test("time begins with the first question, and until the wall clock says so the other is not read", () => {
  const { time, query, allowance, readings } = allow(10);
  time.cpuMs += 100;
  time.wallMs += 100;
  expect(readings()).toBe(0);
  expect(allowance.deadline).toBe(610);
  time.wallMs += 9;
  for (let count = 0; count < 5; count += 1) expect(query.isLate(0)).toBe(false);
  expect(readings()).toBe(1);
  time.wallMs += 1;
  expect(query.isLate(0)).toBe(false);
  expect(readings()).toBe(2);
});
