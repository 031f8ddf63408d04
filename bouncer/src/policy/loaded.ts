/**
 * A set of bundles, ready to decide: its evaluator, warm, with the decisions that it remembers.
 * There are two of them while a candidate is compared, and while one takes the place of another.
 */
import { setImmediate } from "node:timers/promises";
import { AppError } from "../errors.ts";
import { createEvaluator, type Evaluator, type MakeCall } from "../evaluation/evaluator.ts";
import type { Preparation, Prepared } from "../evaluation/prepare.ts";
import { createSlowLane } from "../evaluation/slow-lane.ts";
import { threadCpuMs } from "../rego/cpu.ts";
import { createEngine, type Engine } from "../rego/engine.ts";
import { OpenQuery } from "../rego/query.ts";
import { findBuiltins } from "../rego/registry.ts";
import { type Cache, createCache } from "./cache.ts";
import type { BundleIdentity, Verdict } from "./decision.ts";
import { buildInput, type InputPlan, planInput } from "./input.ts";

export interface Remembered {
  readonly verdict: Verdict;
  readonly result: unknown;
}

export interface LoadedSet {
  /** The bundle with the decision. */
  readonly identity: BundleIdentity;
  /** All bundles of the set. */
  readonly identities: readonly BundleIdentity[];
  readonly plan: InputPlan;
  readonly evaluator: Evaluator;
  readonly cache: Cache<Remembered>;
  /** Instances replaced after a throw; those of the warm-up left out. */
  revivals(): number;
  /** No decision is asked for any more; those that are under way may still end. */
  close(): void;
}

export interface LoadDeps {
  readonly makeCall: MakeCall;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly evaluationMs: number;
  readonly decisionMs: number;
  readonly cacheTtlMs: number;
}

const cacheBounds = { maxEntries: 4096, maxKeyChars: 2 * 1024 * 1024 } as const;

/** Throws AppError. Resolves when the first request will not be slower than others. */
export async function loadSet(
  prepared: Prepared,
  preparation: Preparation,
  deps: LoadDeps,
): Promise<LoadedSet> {
  const { contents, image } = prepared;
  const plan = plannedFrom(prepared);
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  const engine = createEngine(image, { builtins, now: threadCpuMs });
  await warm(engine, plan);
  const warmRevivals = engine.revivals();
  const slowLane = createSlowLane(preparation);
  const limits = { evaluationMs: deps.evaluationMs, decisionMs: deps.decisionMs };
  const { makeCall, now } = deps;
  return {
    identity: contents.deciding,
    identities: contents.identities,
    plan,
    evaluator: createEvaluator({ engine, slowLane, makeCall, now, limits }),
    cache: createCache({ ttlMs: deps.cacheTtlMs, now, ...cacheBounds }),
    revivals: () => engine.revivals() - warmRevivals,
    close: () => slowLane.close(),
  };
}

/** What of a request the policy gets to see. Throws AppError. */
export function plannedFrom({ contents }: Prepared): InputPlan {
  const planned = planInput(contents.inputFields, contents.mentioned);
  if (planned.kind === "plan") return planned.plan;
  throw new AppError(
    "bundle_invalid",
    `Cannot read .manifest: metadata.bouncer.input has "${planned.field}", accepted are ${planned.known.join(", ")}`,
  );
}

const warmUp = { rounds: 100, evaluations: 20, evaluationMs: 5 } as const;

/**
 * Lets the compiler see the policy at work, so that the first requests are not the slow ones; in
 * small rounds, because the event loop serves requests meanwhile. Stops at the first error: to a
 * made-up request, a sound policy may answer with one.
 */
async function warm(engine: Engine, plan: InputPlan): Promise<void> {
  const endpoint = { address: "192.0.2.1", port: 1 };
  const head = {
    method: "GET",
    target: "/",
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "warm-up.invalid",
    rawHeaders: ["Authorization", "Bearer warm-up"],
    source: endpoint,
    destination: endpoint,
  } as const;
  const context = { time: () => new Date(0).toISOString(), id: () => "warm-up" };
  const built = buildInput(plan, head, null, context);
  if (built.kind !== "input") return;
  const input = JSON.stringify(built.input);
  for (let round = 0; round < warmUp.rounds; round += 1) {
    const endsAt = performance.now() + 1;
    for (let count = 0; count < warmUp.evaluations && performance.now() < endsAt; count += 1) {
      const deadline = threadCpuMs() + warmUp.evaluationMs;
      const query = new OpenQuery(() => 0n);
      query.isLate = (comingMs) => threadCpuMs() + comingMs >= deadline;
      if (engine.evaluate(input, { query, deadline }).kind !== "value") return;
    }
    await setImmediate();
  }
}
