import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCovered, parseRollout } from "./rollout.ts";

const whole = { candidate: "next.tar.gz", percent: 10, maxRefusalRateChange: 0.1, minDecisions: 7 };

const policy = (terms: object): string => JSON.stringify({ "policy.tar.gz": terms });

describe("rollout.json", () => {
  test("says all, or leaves the bounds to their defaults", () => {
    expect(parseRollout(JSON.stringify({ "policy.tar.gz": whole }))).toEqual(
      new Map([["policy.tar.gz", whole]]),
    );
    const short = { "policy.tar.gz": { candidate: "next.tar.gz", percent: 0 } };
    expect(parseRollout(JSON.stringify(short)).get("policy.tar.gz")).toEqual({
      candidate: "next.tar.gz",
      percent: 0,
      maxRefusalRateChange: 0.05,
      minDecisions: 100,
    });
    expect(parseRollout("{}").size).toBe(0);
  });

  test.each([
    ["{", "not JSON"],
    ["[]", "not an object"],
    ["null", "not an object"],
    [policy({ ...whole, percent: 101 }), "policy.tar.gz.percent is 101, accepted is 0 to 100"],
    [policy({ ...whole, percent: "10" }), 'policy.tar.gz.percent is "10", accepted is 0 to 100'],
    [
      policy({ ...whole, minDecisions: 1.5 }),
      "policy.tar.gz.minDecisions is 1.5, accepted is a whole number, 1 to 1000000",
    ],
    [
      policy({ ...whole, maxRefusalRateChange: -1 }),
      "policy.tar.gz.maxRefusalRateChange is -1, accepted is 0 to 1",
    ],
    [
      policy({ ...whole, candidate: "../next.tar.gz" }),
      'policy.tar.gz.candidate is "../next.tar.gz", accepted is a file name that ends with .tar.gz',
    ],
    [
      policy({ ...whole, percentage: 5 }),
      "policy.tar.gz.percentage is not known; accepted are candidate, percent, maxRefusalRateChange, minDecisions",
    ],
    [policy({ percent: 5 }), "policy.tar.gz.candidate is missing"],
    [policy({ ...whole, candidate: "policy.tar.gz" }), '"policy.tar.gz" is its own candidate'],
    [JSON.stringify({ policy: whole }), "accepted is a file name that ends with .tar.gz"],
  ])("%s: %s", (text, problem) => {
    expect(() => parseRollout(text)).toThrow(problem);
    expect(() => parseRollout(text)).toThrow("Cannot read rollout.json: ");
  });
});

describe("who is in", () => {
  const bouncer = fc.string();
  const percent = fc.double({ min: 0, max: 100, noNaN: true });

  test("stays in while the percentage grows", () => {
    fc.assert(
      fc.property(bouncer, percent, percent, (name, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        const wasIn = isCovered(name, "policy.tar.gz", less);
        expect(wasIn && !isCovered(name, "policy.tar.gz", more)).toBe(false);
      }),
    );
  });

  test("is everybody at 100, nobody at 0", () => {
    fc.assert(
      fc.property(bouncer, (name) => {
        expect(isCovered(name, "b.tar.gz", 100)).toBe(true);
        expect(isCovered(name, "b.tar.gz", 0)).toBe(false);
      }),
    );
  });

  test.each([0.5, 5, 10, 50, 90])("is about %d of 100", (share) => {
    const names = Array.from({ length: 20_000 }, (_, index) => `shop/cart-${index}`);
    const covered = names.filter((name) => isCovered(name, "policy.tar.gz", share)).length;
    expect(Math.abs(covered / names.length - share / 100)).toBeLessThan(0.01);
  });

  test("is not the same for each bundle", () => {
    const names = Array.from({ length: 1000 }, (_, index) => `shop/cart-${index}`);
    const both = names.filter(
      (name) => isCovered(name, "a.tar.gz", 50) && isCovered(name, "b.tar.gz", 50),
    );
    expect(Math.abs(both.length - 250)).toBeLessThan(75);
  });
});
