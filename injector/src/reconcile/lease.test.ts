import { describe, expect, test } from "vitest";
import { observe, planLease } from "./lease.ts";
import type { LeaseRecord, Observed } from "./lease.ts";

const early = "2026-11-21T12:00:00.000Z";
const late = "2026-11-21T12:00:05.000Z";
const own = { identity: "me", durationMs: 30_000, now: Date.parse(late), monotonic: 100_000 };
const record: LeaseRecord = {
  holder: "other",
  durationMs: 20_000,
  acquiredAt: early,
  renewedAt: early,
  transitions: 3,
};
const seen = (holder: string, since: number): Observed => ({
  lease: { resourceVersion: "1", record: { ...record, holder } },
  since,
});
const taken = {
  holder: "me",
  durationMs: 30_000,
  acquiredAt: late,
  renewedAt: late,
  transitions: 4,
};

test.each([
  { what: "there is none: created", observed: null, plan: { ...taken, transitions: 0 } },
  { what: "it is nobody's: taken", observed: seen("", 100_000), plan: taken },
  {
    what: "it is held: renewed",
    observed: seen("me", 0),
    plan: { ...taken, acquiredAt: early, transitions: 3 },
  },
  { what: "another renewed it a moment ago: left", observed: seen("other", 80_001), plan: null },
  {
    what: "another did not renew it for its duration: taken",
    observed: seen("other", 80_000),
    plan: taken,
  },
])("$what", ({ observed, plan }) => {
  expect(planLease(observed, own)).toEqual(plan);
});

describe("the time that counts is when a change was seen", () => {
  const lease = { resourceVersion: "1", record };
  test("the same version keeps it, whatever the times in it say", () => {
    const first = observe(null, lease, 10);
    expect(observe(first, { ...lease }, 50).since).toBe(10);
  });
  test("another version begins it anew", () => {
    const first = observe(null, lease, 10);
    expect(observe(first, { ...lease, resourceVersion: "2" }, 50).since).toBe(50);
  });
});
