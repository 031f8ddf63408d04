import type { CandidateTerms } from "bouncer-bridge/protocol";
import { expect, test } from "vitest";
import type { Snapshot } from "../bundle/bundle.ts";
import { planInput } from "./fields.ts";
import type { LoadedSet } from "./loaded.ts";
import { createTrials } from "./trials.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const snapshotOf = (name: string, text: string): Snapshot => ({
  name,
  bytes: bytesOf(text),
  deltas: [],
});
const termsOf = (sha256: string): CandidateTerms => ({
  revision: sha256,
  url: "http://bridge.invalid/candidate",
  sha256,
  enforce: true,
  minDecisions: 10,
  maxRefusalRateChange: 0.1,
});

/** Sets that are ready when the test says so, in the order in which they were begun. */
function createSetting() {
  const loads: { readonly of: string; readonly ready: () => void; readonly fail: () => void }[] =
    [];
  const open = new Set<string>();
  const failures: unknown[] = [];
  let current = [snapshotOf("a", "a1"), snapshotOf("data", "d1")];
  const trials = createTrials({
    snapshots: () => current,
    load: async (snapshots) => {
      const of = snapshots.map(({ bytes }) => new TextDecoder().decode(bytes)).join("+");
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      loads.push({ of, ready: resolve, fail: () => reject(new Error(`no ${of}`)) });
      await promise;
      open.add(of);
      return setOf(of, () => open.delete(of));
    },
    accept: ({ serial }) => {
      if (serial === 0) throw new Error("it is older");
    },
    onFailure: (error) => failures.push(error),
    onChange: () => undefined,
  });
  return {
    trials,
    loads,
    open,
    failures,
    change: (data: string) => {
      current = [snapshotOf("a", "a1"), snapshotOf("data", data)];
      return trials.rebase();
    },
    running: () => trials.running()?.set.identity.revision ?? null,
  };
}

function setOf(revision: string, close: () => void): LoadedSet {
  const planned = planInput([]);
  if (planned.kind !== "plan") throw new Error("no plan");
  return {
    identity: { name: "a", revision, sha256: revision, serial: null, deltas: 0 },
    identities: [
      {
        name: "a",
        revision,
        sha256: revision,
        serial: Number(!revision.includes("old")),
        deltas: 0,
      },
    ],
    plan: planned.plan,
    declaresInput: true,
    evaluator: { evaluate: () => ({ kind: "timeout", message: "" }) },
    cache: {
      get: () => undefined,
      set: () => undefined,
      clear: () => undefined,
      stats: () => ({ hits: 0, misses: 0, entries: 0 }),
    },
    revivals: () => 0,
    close,
  };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

const candidateOf = (text: string) => ({
  terms: termsOf(text),
  load: async () => await Promise.resolve(bytesOf(text)),
});

test("a candidate is never compared with older data than it was already", async () => {
  const { trials, loads, open, change, running } = createSetting();
  const offering = trials.offer("a", candidateOf("a2"));
  await settle();
  const changes = [change("d2"), change("d3"), change("d4")];
  await settle();
  expect(loads.map(({ of }) => of)).toEqual(["a2+d1"]);
  loads[0]?.ready();
  await offering;
  await settle();
  // Of those that waited, the last one only.
  expect(loads.map(({ of }) => of)).toEqual(["a2+d1", "a2+d4"]);
  expect(running()).toBe("a2+d1");
  loads[1]?.ready();
  await Promise.all(changes);
  expect(running()).toBe("a2+d4");
  expect([...open]).toEqual(["a2+d4"]);
  trials.close();
  expect([...open]).toEqual([]);
});

test("what was withdrawn while it came or was prepared does not run", async () => {
  const { trials, loads, open, running } = createSetting();
  const bytes = Promise.withResolvers<Uint8Array>();
  const coming = trials.offer("a", { terms: termsOf("a2"), load: () => bytes.promise });
  await trials.offer("a", null);
  bytes.resolve(bytesOf("a2"));
  await coming;
  expect(loads).toEqual([]);

  const preparing = trials.offer("a", candidateOf("a3"));
  await settle();
  await trials.offer("a", null);
  loads[0]?.ready();
  await preparing;
  expect(running()).toBeNull();
  expect([...open]).toEqual([]);
});

test("of two offers the later one runs, whichever comes first", async () => {
  const { trials, loads, open, running } = createSetting();
  const slow = Promise.withResolvers<Uint8Array>();
  const first = trials.offer("a", { terms: termsOf("a2"), load: () => slow.promise });
  const second = trials.offer("a", candidateOf("a3"));
  await settle();
  slow.resolve(bytesOf("a2"));
  await first;
  loads[0]?.ready();
  await second;
  expect(running()).toBe("a3+d1");
  expect([...open]).toEqual(["a3+d1"]);
  await expect(trials.offer("data", candidateOf("d9"))).rejects.toThrow("one at a time");
});

test("one that cannot be prepared any more ends, and says why", async () => {
  const { trials, loads, open, change, failures, running } = createSetting();
  const offering = trials.offer("a", candidateOf("a2"));
  await settle();
  loads[0]?.ready();
  await offering;
  const changing = change("d2");
  await settle();
  loads[1]?.fail();
  await changing;
  expect(running()).toBeNull();
  expect([...open]).toEqual([]);
  expect(failures).toEqual([new Error("no a2+d2")]);
});

test("a candidate that is older than what was there is not compared, nor enforced", async () => {
  const { trials, loads, open, running } = createSetting();
  const offering = trials.offer("a", {
    terms: termsOf("old"),
    load: async () => bytesOf("old"),
  });
  await new Promise((resolve) => setImmediate(resolve));
  loads[0]?.ready();
  await expect(offering).rejects.toThrow("it is older");
  expect(running()).toBeNull();
  expect([...open]).toEqual([]);
});
