import { expect, test } from "vitest";
import { createCache } from "./cache.ts";
import { lookupMs, Profit, spans } from "./profit.ts";

interface Asked {
  /** What every evaluation takes. */
  readonly costMs?: number;
  readonly count: number;
  readonly keyOf: (at: number) => string;
}

/** Decides as the decider does; how many were looked up, in which spans, and how many hit. */
function ask({ costMs = 0.01, count, keyOf }: Asked) {
  const profit = new Profit();
  const seen = new Map<string, number>();
  const spansOfLookups: { isLookedUp: boolean; length: number }[] = [];
  let hits = 0;
  for (let at = 0; at < count; at += 1) {
    const isLookedUp = profit.isLookedUp();
    const last = spansOfLookups.at(-1);
    if (last?.isLookedUp === isLookedUp) last.length += 1;
    else spansOfLookups.push({ isLookedUp, length: 1 });
    if (!isLookedUp) continue;
    const key = keyOf(at);
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    if (times > 0) profit.repeat();
    if (times > 1) {
      profit.hit();
      hits += 1;
    } else {
      profit.miss(costMs);
    }
  }
  const lengths = spansOfLookups.map((span) => (span.isLookedUp ? span.length : -span.length));
  return { lengths, hits };
}

const { trial, probe, shortestRest, longestRest } = spans;

test("where every request is another one, it looks up less and less, but never stops to probe", () => {
  const count = trial + 10 * (longestRest + probe);
  const { lengths, hits } = ask({ count, keyOf: String });
  expect(hits).toBe(0);
  expect(lengths.slice(0, 12)).toEqual([
    trial,
    ...[1, 2, 4, 8, 16].flatMap((times) => [-times * shortestRest, probe]),
    -longestRest,
  ]);
  const lookups = lengths.filter((length) => length > 0).reduce((sum, length) => sum + length, 0);
  expect(lookups / count).toBeLessThan(0.02);
});

test("where requests come again, it always looks up", () => {
  const { lengths } = ask({ count: 100_000, keyOf: (at) => String(at % 100) });
  expect(lengths).toEqual([100_000]);
});

test("what comes twice and no more is not worth it for long", () => {
  const { lengths } = ask({ count: 400_000, keyOf: (at) => String(Math.floor(at / 2)) });
  const lookups = lengths.filter((length) => length > 0).reduce((sum, length) => sum + length, 0);
  expect(lookups / 400_000).toBeLessThan(0.12);
});

test("requests that begin to come again are noticed", () => {
  const until = 150_000;
  const keyOf = (at: number): string => (at < until ? `first-${at}` : String(at % 50));
  const { lengths } = ask({ count: until + 500_000, keyOf });
  expect(lengths.at(-1)).toBeGreaterThan(500_000 - longestRest - probe);
});

const oneInTen = (at: number): string => (at % 10 === 0 ? "again" : String(at));

test.each([
  // One in ten comes again: what it saves is a tenth of an evaluation.
  ["a dear evaluation is worth looking up for a few hits", 20 * lookupMs, true],
  ["a cheap one is not", 5 * lookupMs, false],
])("%s", (_name, costMs, isWorth) => {
  const { lengths } = ask({ costMs, count: 50_000, keyOf: oneInTen });
  expect(lengths.length === 1).toBe(isWorth);
});

test("one evaluation that was interrupted does not make all of them dear", () => {
  const profit = new Profit();
  for (let at = 0; at < trial; at += 1) {
    profit.isLookedUp();
    if (at % 20 === 0) profit.hit();
    else profit.miss(at === 100 ? 1000 : 2 * lookupMs);
  }
  expect(profit.isLookedUp()).toBe(false);
  expect(profit.isResting()).toBe(true);
});

test("a cache at rest gives and keeps nothing, and has what it had when it is asked again", () => {
  const cache = createCache<number>({
    ttlMs: 1000,
    now: () => 0,
    maxEntries: 10,
    maxKeyChars: 1000,
  });
  const decide = (key: string): number | undefined => {
    const known = cache.get(key);
    if (known === undefined) cache.set(key, 1, { costMs: 0.01 });
    return known;
  };
  expect(["a", "a", "a"].map(decide)).toEqual([undefined, undefined, 1]);
  for (let at = 3; at < trial; at += 1) decide(String(at));
  for (let at = 0; at < shortestRest; at += 1) expect(decide("a")).toBeUndefined();
  expect(decide("a")).toBe(1);
  expect(cache.stats()).toMatchObject({ hits: 2, misses: trial + shortestRest - 1 });
});
