import { expect, test } from "vitest";
import { createLog } from "../telemetry/log.ts";
import { createElection } from "./election.ts";
import type { Election, LeaseStore } from "./election.ts";
import type { LeaseRecord, StoredLease } from "./lease.ts";

/** A Lease in memory, with conflicts as the API has them. */
function createStore() {
  let lease: StoredLease | null = null;
  let version = 0;
  let failing = false;
  const store: LeaseStore = {
    read: async () => {
      if (failing) throw new Error("down");
      return lease;
    },
    write: async (record: LeaseRecord, resourceVersion) => {
      if (failing) throw new Error("down");
      if ((lease?.resourceVersion ?? null) !== resourceVersion) return null;
      version += 1;
      lease = { resourceVersion: String(version), record };
      return lease;
    },
  };
  return {
    store,
    holder: () => lease?.record.holder,
    fail: (now: boolean) => {
      failing = now;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

/** A clock and timers that move by hand. */
function createClock() {
  let time = 0;
  const due: { at: number; callback: () => void }[] = [];
  return {
    monotonic: () => time,
    timer: {
      after: (ms: number, callback: () => void) => {
        const entry = { at: time + ms, callback };
        due.push(entry);
        return () => {
          if (due.includes(entry)) due.splice(due.indexOf(entry), 1);
        };
      },
    },
    settle,
    pass: async (ms: number) => {
      for (const end = time + ms; time < end;) {
        time += 500;
        for (const entry of due.filter(({ at }) => at <= time)) {
          due.splice(due.indexOf(entry), 1);
          entry.callback();
        }
        await settle();
      }
    },
  };
}

function join(
  identity: string,
  store: LeaseStore,
  clock: ReturnType<typeof createClock>,
  onElected: () => void = () => undefined,
): Election {
  const { monotonic, timer } = clock;
  const now = (): number => Date.parse("2026-11-21T12:00:00Z") + monotonic();
  const log = createLog("fatal");
  return createElection({ store, identity, now, monotonic, timer, onElected, log });
}

test("of two replicas one leads, and the other takes over at once when it leaves", async () => {
  const { store, holder } = createStore();
  const clock = createClock();
  const elected: string[] = [];
  const one = join("one", store, clock, () => elected.push("one"));
  const other = join("other", store, clock, () => elected.push("other"));
  await clock.settle();
  expect([one.isLeader(), other.isLeader()]).toEqual([true, false]);
  await clock.pass(120_000);
  expect([one.isLeader(), other.isLeader()]).toEqual([true, false]);
  await one.close();
  expect([one.isLeader(), holder()]).toEqual([false, ""]);
  await clock.pass(5000);
  expect(other.isLeader()).toBe(true);
  expect(elected).toEqual(["one", "other"]);
  await other.close();
});

test("a leader that is gone without a word is followed after the Lease's duration", async () => {
  const { store } = createStore();
  const clock = createClock();
  const ghost = { holder: "ghost", durationMs: 30_000, acquiredAt: "", renewedAt: "" };
  await store.write({ ...ghost, transitions: 1 }, null);
  const other = join("other", store, clock);
  await clock.settle();
  await clock.pass(29_000);
  expect(other.isLeader()).toBe(false);
  await clock.pass(7000);
  expect(other.isLeader()).toBe(true);
  await other.close();
});

test("a leader that cannot renew stops leading before another may begin", async () => {
  const { store, fail } = createStore();
  const clock = createClock();
  const one = join("one", store, clock);
  const other = join("other", store, clock);
  await clock.settle();
  fail(true);
  await clock.pass(10_000);
  expect(one.isLeader()).toBe(true);
  await clock.pass(6000);
  expect(one.isLeader()).toBe(false);
  expect(other.isLeader()).toBe(false);
  fail(false);
  await clock.pass(5000);
  expect([one.isLeader(), other.isLeader()].filter(Boolean)).toHaveLength(1);
  await Promise.all([one.close(), other.close()]);
});

test("never do two lead at the same time, whatever fails when", async () => {
  const { store } = createStore();
  const clock = createClock();
  let isolated = "";
  const seenBy = (identity: string): LeaseStore => ({
    read: async () => {
      if (isolated === identity) throw new Error("isolated");
      return store.read();
    },
    write: async (record, version) => {
      if (isolated === identity) throw new Error("isolated");
      return store.write(record, version);
    },
  });
  const names = ["a", "b", "c"];
  const replicas = names.map((name) => ({ name, election: join(name, seenBy(name), clock) }));
  const leaders = (): string[] =>
    replicas.flatMap(({ name, election }) => (election.isLeader() ? [name] : []));
  await clock.settle();
  const led = new Set<string>();
  for (let step = 0; step < 200; step += 1) {
    if (step % 40 === 20) isolated = leaders()[0] ?? "";
    await clock.pass(1000);
    expect(leaders().length).toBeLessThanOrEqual(1);
    for (const leader of leaders()) led.add(leader);
  }
  expect(led.size).toBeGreaterThan(1);
  await Promise.all(replicas.map(({ election }) => election.close()));
});
