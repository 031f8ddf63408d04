import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differs, Trial } from "./candidate.ts";
import type { Verdict } from "./decision.ts";
import { denyWith, plainAllow } from "./verdict.ts";

const terms = {
  revision: "r2",
  url: "/bundles/candidate.tar.gz",
  sha256: "0".repeat(64),
  enforce: true,
  maxRefusalRateChange: 0.05,
  minDecisions: 100,
};
const allow = { verdict: plainAllow };
const deny = { verdict: denyWith("policy", 403, null) };
const same = { current: allow, candidate: allow };
const refused = { current: allow, candidate: deny };
const admitted = { current: deny, candidate: allow };

describe("a candidate that is enforced", () => {
  test("is given up at the request that is one too many for its window", () => {
    const trial = new Trial("policy.tar.gz", terms);
    for (let count = 0; count < 20; count += 1) expect(trial.count(same)).toBe(false);
    for (let count = 0; count < 5; count += 1) expect(trial.count(refused)).toBe(false);
    expect(trial.isEnforced).toBe(true);
    expect(trial.count(refused)).toBe(true);
    expect(trial.isEnforced).toBe(false);
    expect(trial.status()).toMatchObject({
      enforced: false,
      decisions: 26,
      differing: 6,
      wouldRefuse: 6,
      currentRefused: 0,
      stopped: "of 26 requests it refused 6 more than the current policy",
    });
  });

  test("is given up when it lets through what was refused", () => {
    const trial = new Trial("policy.tar.gz", terms);
    for (let count = 0; count < 5; count += 1) trial.count(admitted);
    expect(trial.count(admitted)).toBe(true);
    expect(trial.status().stopped).toContain("6 fewer");
  });

  test("stays while differences keep within the bound, window by window", () => {
    const trial = new Trial("policy.tar.gz", terms);
    for (let window = 0; window < 10; window += 1) {
      for (let count = 0; count < 95; count += 1) expect(trial.count(same)).toBe(false);
      for (let count = 0; count < 5; count += 1) expect(trial.count(refused)).toBe(false);
    }
    expect(trial.status()).toMatchObject({ decisions: 1000, wouldRefuse: 50, stopped: null });
  });

  test("that was given up stays so under other terms", () => {
    const trial = new Trial("policy.tar.gz", { ...terms, maxRefusalRateChange: 0 });
    expect(trial.count(refused)).toBe(true);
    trial.setTerms({ ...terms, maxRefusalRateChange: 1 });
    expect(trial.isEnforced).toBe(false);
    expect(trial.count(refused)).toBe(false);
  });
});

test("a candidate that is only watched is never given up", () => {
  const trial = new Trial("policy.tar.gz", { ...terms, enforce: false });
  for (let count = 0; count < 500; count += 1) expect(trial.count(refused)).toBe(false);
  expect(trial.status()).toMatchObject({ enforced: false, wouldRefuse: 500, stopped: null });
  trial.setTerms(terms);
  expect(trial.isEnforced).toBe(true);
});

test("within one window, it is given up exactly when the bound is passed", () => {
  const outcome = fc.constantFrom(same, refused, admitted);
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 99 }), fc.nat(20), (outcomes, percent) => {
      const bound = percent / 100;
      const trial = new Trial("policy.tar.gz", { ...terms, maxRefusalRateChange: bound });
      let change = 0;
      let isOver = false;
      for (const one of outcomes) {
        change += Number(one === refused) - Number(one === admitted);
        isOver ||= Math.abs(change) > bound * 100;
        trial.count(one);
      }
      expect(trial.status().stopped !== null).toBe(isOver);
    }),
  );
});

const withHeader: Verdict = { ...plainAllow, requestHeaders: [["x-user", "ann"]] };

test.each<[string, Verdict, Verdict, boolean]>([
  ["nothing", plainAllow, plainAllow, false],
  ["allowed and refused", plainAllow, deny.verdict, true],
  ["a header for the application", plainAllow, withHeader, true],
  [
    "the order of headers to remove",
    { ...plainAllow, requestHeadersToRemove: ["a", "b"] },
    { ...plainAllow, requestHeadersToRemove: ["b", "a"] },
    false,
  ],
  ["the status", deny.verdict, denyWith("policy", 401, null), true],
  ["what only the log is told", deny.verdict, denyWith("policy", 403, "why"), false],
])("verdicts that differ in %s", (_name, one, other, expected) => {
  expect(differs(one, other)).toBe(expected);
});
