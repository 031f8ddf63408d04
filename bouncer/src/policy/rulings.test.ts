import { expect, test } from "vitest";
import { Trial } from "./candidate.ts";
import type { Decision } from "./decision.ts";
import { planInput } from "./fields.ts";
import { InputDocument } from "./input.ts";
import type { LoadedSet } from "./loaded.ts";
import { createRulings } from "./rulings.ts";
import { denyWith, plainAllow } from "./verdict.ts";

const planned = planInput([]);
const terms = {
  revision: "r2",
  url: "/bundles/next.tar.gz",
  sha256: "0".repeat(64),
  enforce: false,
  maxRefusalRateChange: 0.5,
  minDecisions: 2,
};

function setOf(revision: string): LoadedSet {
  if (planned.kind !== "plan") throw new Error("no plan");
  const identity = { name: "a", revision, sha256: revision, serial: null, deltas: 0 };
  return {
    identity,
    identities: [identity],
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
    close: () => undefined,
  };
}

type Answer = "allow" | "deny" | "late";

/** What each set answers; `late` ones wait until the test lets them. */
function createSetting(answers: Readonly<Record<string, Answer>>, enforce = false) {
  const waiting: (() => void)[] = [];
  const asked: string[] = [];
  const trial = new Trial("a", { ...terms, enforce });
  const givenUp: string[] = [];
  const decisionOf = (set: LoadedSet | null, answer: Answer): Decision => ({
    id: "1",
    verdict: answer === "deny" ? denyWith("policy", 403, null) : plainAllow,
    cached: false,
    bundle: set?.identity ?? null,
    bundles: set?.identities ?? [],
    path: "envoy/authz/allow",
    input: {},
    result: answer === "allow",
    evaluationNs: 1,
    watched: null,
  });
  const rulings = createRulings({
    decider: {
      decide: (set) => {
        const revision = set?.identity.revision ?? "";
        const answer = answers[revision] ?? "deny";
        asked.push(revision);
        if (answer !== "late") return decisionOf(set, answer);
        return new Promise((resolve) => waiting.push(() => resolve(decisionOf(set, "allow"))));
      },
    },
    current: () => setOf("r1"),
    running: () => ({ trial, set: setOf("r2") }),
    onGivenUp: () => givenUp.push(trial.status().stopped ?? ""),
  });
  const decide = () => rulings.decide(() => new InputDocument("{}"));
  return { decide, rulings, trial, waiting, asked, givenUp };
}

test("the current set rules, and the record has what the candidate says", async () => {
  const { decide, rulings, trial } = createSetting({ r1: "allow", r2: "deny" });
  const decision = await decide();
  expect(decision).toMatchObject({
    verdict: { kind: "allow" },
    bundle: { revision: "r1" },
    watched: { role: "candidate", verdict: "deny", reason: "policy", differs: true },
  });
  expect(rulings.counts()).toEqual({ decisions: 1, refused: 0, timeouts: 0 });
  expect(trial.status()).toMatchObject({ decisions: 1, wouldRefuse: 1 });
});

test("a candidate that is enforced rules until it is given up, and that is told", async () => {
  const { decide, givenUp } = createSetting({ r1: "allow", r2: "deny" }, true);
  const kinds: string[] = [];
  for (let count = 0; count < 4; count += 1) kinds.push((await decide()).verdict.kind);
  expect(kinds).toEqual(["deny", "deny", "allow", "allow"]);
  expect(givenUp).toHaveLength(1);
});

test("nobody waits for the set that is only compared", async () => {
  const { decide, trial, waiting } = createSetting({ r1: "allow", r2: "late" });
  expect(decide()).not.toBeInstanceOf(Promise);
  expect(trial.status().decisions).toBe(0);
  waiting[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(trial.status().decisions).toBe(1);
});

test("comparisons that are not over are bounded: beyond, the enforced set rules alone", async () => {
  const { decide, trial, waiting, asked } = createSetting({ r1: "allow", r2: "late" });
  for (let count = 0; count < 300; count += 1) await decide();
  expect(asked.filter((revision) => revision === "r2")).toHaveLength(256);
  expect(asked.filter((revision) => revision === "r1")).toHaveLength(300);
  for (const answer of waiting) answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(trial.status().decisions).toBe(256);
  await decide();
  expect(asked.at(-1)).toBe("r2");
});
