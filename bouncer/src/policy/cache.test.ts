import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCache } from "./cache.ts";

const once = { costMs: 1 };

function cacheOf(overrides: { ttlMs?: number; maxEntries?: number; maxKeyChars?: number } = {}) {
  const clock = { ms: 0 };
  const options = { ttlMs: 1000, maxEntries: 2, maxKeyChars: 1000, ...overrides };
  return { clock, cache: createCache<number>({ ...options, now: () => clock.ms }) };
}

function admit(cache: ReturnType<typeof cacheOf>["cache"], key: string, value: number): void {
  for (let count = 0; count < 2; count += 1) {
    cache.get(key);
    cache.set(key, value, once);
  }
}

test("a key is kept from its second sight on", () => {
  const { cache } = cacheOf();
  expect(cache.get("a")).toBeUndefined();
  cache.set("a", 1, once);
  expect(cache.get("a")).toBeUndefined();
  cache.set("a", 1, once);
  expect(cache.get("a")).toBe(1);
  expect(cache.stats()).toEqual({ hits: 1, misses: 2, entries: 1 });
});

test("an entry is given until its time is over, then set again", () => {
  const { cache, clock } = cacheOf();
  admit(cache, "a", 1);
  clock.ms = 999;
  expect(cache.get("a")).toBe(1);
  clock.ms = 1000;
  expect(cache.get("a")).toBeUndefined();
  cache.set("a", 2, once);
  expect(cache.get("a")).toBe(2);
});

test("a hit does not prolong an entry", () => {
  const { cache, clock } = cacheOf();
  admit(cache, "a", 1);
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 100) cache.get("a");
  expect(cache.get("a")).toBeUndefined();
});

test("what is used stays when the cache is full, what is not goes", () => {
  const { cache } = cacheOf();
  for (const key of ["a", "b", "c"]) admit(cache, key, 1);
  expect(cache.get("a")).toBe(1);
  admit(cache, "d", 1);
  expect([cache.get("a"), cache.get("b"), cache.get("d")]).toEqual([1, undefined, 1]);
});

test("nothing is left after a flush, not even a first sight", () => {
  const { cache } = cacheOf();
  admit(cache, "a", 1);
  cache.get("b");
  cache.set("b", 1, once);
  cache.clear();
  cache.get("b");
  cache.set("b", 1, once);
  expect([cache.get("a"), cache.get("b")]).toEqual([undefined, undefined]);
});

describe("bounds", () => {
  test("a key longer than the bound is never kept", () => {
    const { cache } = cacheOf({ maxKeyChars: 3 });
    admit(cache, "abcd", 1);
    expect(cache.stats().entries).toBe(0);
  });

  test("two generations of entries at most, whatever is set", () => {
    const keys = fc.array(fc.string({ maxLength: 3 }), { maxLength: 200 });
    fc.assert(
      fc.property(keys, (all) => {
        const { cache } = cacheOf({ maxEntries: 4, maxKeyChars: 20 });
        for (const key of all) admit(cache, key, 1);
        expect(cache.stats().entries).toBeLessThanOrEqual(8);
      }),
    );
  });
});

test("switched off, nothing is kept or counted", () => {
  const { cache } = cacheOf({ ttlMs: 0 });
  admit(cache, "a", 1);
  expect(cache.get("a")).toBeUndefined();
  expect(cache.stats()).toEqual({ hits: 0, misses: 0, entries: 0 });
});

test("an entry with a time of its own is kept from its first sight on, and for so long", () => {
  const { cache, clock } = cacheOf();
  cache.get("a");
  cache.set("a", 1, { costMs: 1, ttlMs: 5000 });
  expect(cache.get("a")).toBe(1);
  clock.ms = 4999;
  expect(cache.get("a")).toBe(1);
  clock.ms = 5000;
  expect(cache.get("a")).toBeUndefined();
});
