/**
 * A set of bundles, ready to decide: its evaluator, warm, with the decisions that it remembers.
 * There are two of them while a candidate is compared, and while one takes the place of another.
 */
import type { Config } from "../config.ts";
import { createEvaluator, type Evaluator, type MakeCall } from "../evaluation/evaluator.ts";
import type { Prepared } from "../evaluation/prepare.ts";
import type { SlowLane } from "../evaluation/slow-lane.ts";
import { threadCpuMs } from "../rego/cpu.ts";
import { createEngine } from "../rego/engine.ts";
import { findBuiltins } from "../rego/registry.ts";
import { type Cache, createCache } from "./cache.ts";
import type { BundleIdentity } from "./decision.ts";
import type { InputPlan } from "./fields.ts";
import { plannedFrom } from "./plan.ts";
import type { Decided } from "./ruling.ts";
import { atStart, briefly, warm } from "./warm.ts";

export interface LoadedSet {
  /** The bundle with the decision. */
  readonly identity: BundleIdentity;
  /** All bundles of the set. */
  readonly identities: readonly BundleIdentity[];
  readonly plan: InputPlan;
  /** The bundle says which fields its decision reads; else it gets all that it may read. */
  readonly declaresInput: boolean;
  readonly evaluator: Evaluator;
  /** What it remembers says of itself that it was remembered. */
  readonly cache: Cache<Decided>;
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

/** As it is configured. */
export function loadDepsOf(config: Config, makeCall: MakeCall, now: () => number): LoadDeps {
  return {
    makeCall,
    now,
    evaluationMs: config.policyEvaluationTimeoutMs,
    decisionMs: config.policyDecisionTimeoutMs,
    cacheTtlMs: config.cacheTtl * 1000,
  };
}

const cacheBounds = { maxEntries: 4096, maxKeyChars: 2 * 1024 * 1024 } as const;

/** Throws AppError. Resolves when the first request will not be slower than others. */
export async function loadSet(
  prepared: Prepared,
  slowLane: SlowLane,
  deps: LoadDeps,
): Promise<LoadedSet> {
  const { contents, image } = prepared;
  const plan = plannedFrom(prepared);
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  const engine = createEngine(image, { builtins, now: threadCpuMs });
  await warm(engine, plan, prepared.isWarm ? briefly : atStart);
  const warmRevivals = engine.revivals();
  const limits = { evaluationMs: deps.evaluationMs, decisionMs: deps.decisionMs };
  const { makeCall, now } = deps;
  return {
    identity: contents.deciding,
    identities: contents.identities,
    plan,
    declaresInput: contents.inputFields !== null,
    evaluator: createEvaluator({ engine, slowLane, makeCall, now, limits }),
    cache: createCache({ ttlMs: deps.cacheTtlMs, now, ...cacheBounds }),
    revivals: () => engine.revivals() - warmRevivals,
    close: () => slowLane.close(),
  };
}
