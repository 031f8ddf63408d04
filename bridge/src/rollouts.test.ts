import { beforeEach, expect, test } from "vitest";
import type { Bundle } from "./bundle.ts";
import type { BundleStatus, Status } from "./protocol.ts";
import { isCovered, type RolloutTerms } from "./rollout.ts";
import { createRollouts, type Rollouts, type RolloutState } from "./rollouts.ts";

const terms: RolloutTerms = {
  candidate: "next.tar.gz",
  percent: 50,
  maxRefusalRateChange: 0.05,
  minDecisions: 100,
};
const names = Array.from({ length: 50 }, (_, index) => `shop/cart-${index}`);
const [covered = ""] = names.filter((name) => isCovered(name, "policy.tar.gz", 50));
const [uncovered = ""] = names.filter((name) => !isCovered(name, "policy.tar.gz", 50));

let files: Map<string, Bundle>;
let rollouts: Rollouts;
let stops: RolloutState[];
let problems: string[];
let changes: number;

function put(name: string, sha256: string): void {
  files.set(name, { name, revision: `r-${sha256}`, sha256, bytes: Buffer.alloc(0) });
}

function offer(changed: Partial<RolloutTerms> = {}): void {
  rollouts.offer({ text: JSON.stringify({ "policy.tar.gz": { ...terms, ...changed } }) });
}

function stoppedWith(sha256: string, stopped: string | null = "refuses too much"): Status {
  const counts = { decisions: 100, differing: 20, wouldRefuse: 20 };
  const candidate = { revision: "r", sha256, enforced: true, error: null, ...counts, stopped };
  const bundle: BundleStatus = {
    bundle: "policy.tar.gz",
    revision: "r",
    sha256: "aa",
    error: null,
    candidate,
  };
  return { kind: "status", bundles: [bundle], decisions: 100, refused: 20 };
}

beforeEach(() => {
  files = new Map();
  [stops, problems, changes] = [[], [], 0];
  rollouts = createRollouts({
    get: (name) => files.get(name) ?? null,
    now: () => 7,
    onProblem: ({ message }) => problems.push(message),
    onStop: (state) => stops.push(state),
  });
  rollouts.subscribe(() => {
    changes += 1;
  });
  put("policy.tar.gz", "aa");
  put("next.tar.gz", "bb");
  offer();
});

test("each bouncer is told the candidate, some to enforce it", () => {
  expect(rollouts.termsFor(covered, "policy.tar.gz")).toEqual({
    revision: "r-bb",
    url: "/bundles/next.tar.gz",
    sha256: "bb",
    enforce: true,
    maxRefusalRateChange: 0.05,
    minDecisions: 100,
  });
  expect(rollouts.termsFor(uncovered, "policy.tar.gz")?.enforce).toBe(false);
  expect(rollouts.termsFor(covered, "other.tar.gz")).toBeNull();
});

test("a candidate that is not there, or has become the bundle, is none", () => {
  put("policy.tar.gz", "bb");
  expect(rollouts.termsFor(covered, "policy.tar.gz")).toBeNull();
  files.delete("next.tar.gz");
  expect(rollouts.termsFor(covered, "policy.tar.gz")).toBeNull();
  expect(rollouts.list()).toMatchObject([
    { bundle: "policy.tar.gz", revision: null, sha256: null },
  ]);
});

test("what one bouncer gives up, none is told to enforce, until something changes", () => {
  expect(changes).toBe(1);
  rollouts.hear(covered, stoppedWith("bb"));
  expect(rollouts.termsFor(covered, "policy.tar.gz")).toMatchObject({
    sha256: "bb",
    enforce: false,
  });
  const stopped = { bouncer: covered, reason: "refuses too much", at: 7 };
  expect(rollouts.list()).toMatchObject([{ stopped }]);
  expect(stops).toMatchObject([{ bundle: "policy.tar.gz", sha256: "bb", stopped }]);
  expect(changes).toBe(2);

  rollouts.hear(uncovered, stoppedWith("bb", "me too"));
  offer();
  expect([stops.length, changes]).toEqual([1, 3]);
  expect(rollouts.list()).toMatchObject([{ stopped }]);
});

test.each<[string, () => void]>([
  ["its content changes", () => put("next.tar.gz", "cc")],
  ["its percentage changes", () => offer({ percent: 51 })],
  ["its bound changes", () => offer({ maxRefusalRateChange: 0.5 })],
  [
    "it is taken out and put in again",
    () => {
      rollouts.offer({ text: "{}" });
      offer();
    },
  ],
])("a stopped rollout goes on when %s", (_name, change) => {
  rollouts.hear(covered, stoppedWith("bb"));
  change();
  expect(rollouts.termsFor(covered, "policy.tar.gz")?.enforce).toBe(true);
  expect(rollouts.list()).toMatchObject([{ stopped: null }]);
});

test.each([
  ["another content", stoppedWith("cc")],
  ["no stop", stoppedWith("bb", null)],
])("a status about %s stops nothing", (_name, status) => {
  rollouts.hear(covered, status);
  expect(rollouts.termsFor(covered, "policy.tar.gz")?.enforce).toBe(true);
  expect([stops, changes]).toEqual([[], 1]);
});

test("a bad file leaves the last good one in force, and is told once", () => {
  rollouts.offer({ text: "{" });
  rollouts.offer({ text: "{" });
  expect(rollouts.problem()).toMatchObject({ code: "rollout_invalid" });
  expect(problems).toEqual(["Cannot read rollout.json: not JSON"]);
  expect(rollouts.termsFor(covered, "policy.tar.gz")?.enforce).toBe(true);
  offer();
  expect(rollouts.problem()).toBeNull();
});

test("a file that is gone ends all rollouts", () => {
  rollouts.offer(null);
  expect(rollouts.list()).toEqual([]);
  expect(rollouts.termsFor(covered, "policy.tar.gz")).toBeNull();
});
