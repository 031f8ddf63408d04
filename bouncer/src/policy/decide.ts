/**
 * One decision: the input from the request, the answer from memory or from the evaluator, the
 * verdict from the answer. Whatever goes wrong on the way is a refusal with its reason.
 */
import type { Logger } from "pino";
import type { Outcome } from "../evaluation/evaluator.ts";
import type { LoadedSet } from "./loaded.ts";
import type { DenyReason } from "./decision.ts";
import type { InputPlan } from "./fields.ts";
import type { InputDocument, InputResult } from "./input.ts";
import { type Decided, type OpenDecision, Ruling } from "./ruling.ts";
import { decideVerdict, denyWith, readStorage } from "./verdict.ts";

/** From what the policy wants to see to the input document of one request. */
export type BuildInput = (plan: InputPlan) => InputResult;

export interface Decider {
  /** Never throws or rejects. `set` is null while there is no policy. */
  decide(set: LoadedSet | null, build: BuildInput): OpenDecision | Promise<OpenDecision>;
}

/** `path`: the entrypoint that is asked, `envoy/authz/allow`. */
export function createDecider(path: string, log: Logger): Decider {
  function refuse(
    set: LoadedSet | null,
    document: InputDocument | null,
    [reason, detail]: readonly [DenyReason, string | null],
    evaluationNs = 0,
  ): OpenDecision {
    const status = reason === "bad_body" || reason === "ambiguous_request" ? 400 : 503;
    const verdict = denyWith(reason, status, detail);
    const decided = { verdict, result: undefined, cached: false, evaluationNs };
    const decision = new Ruling({ path, set, document }, decided);
    if (reason === "policy_error" || reason === "policy_timeout") {
      log.error({ decision: decision.id, reason, problem: detail }, "policy evaluation failed");
    }
    return decision;
  }

  function conclude({ set, document, startedAt }: Asked, outcome: Outcome): OpenDecision {
    const costMs = performance.now() - startedAt;
    const evaluationNs = Math.round(costMs * 1e6);
    if (outcome.kind !== "value") {
      const reason = outcome.kind === "timeout" ? "policy_timeout" : "policy_error";
      return refuse(set, document, [reason, outcome.message], evaluationNs);
    }
    const result = outcome.value;
    const verdict = decideVerdict(result);
    remember(set, document.text, { verdict, result }, { costMs, isPure: outcome.isPure });
    return new Ruling({ path, set, document }, { verdict, result, cached: false, evaluationNs });
  }

  async function concludeLater(asked: Asked, outcome: Promise<Outcome>): Promise<OpenDecision> {
    try {
      return conclude(asked, await outcome);
    } catch (error) {
      return refuse(asked.set, asked.document, ["policy_error", messageOf(error)]);
    }
  }

  function ask(set: LoadedSet, document: InputDocument): OpenDecision | Promise<OpenDecision> {
    const known = set.cache.get(document.text);
    if (known !== undefined) return new Ruling({ path, set, document }, known);
    const asked: Asked = { set, document, startedAt: performance.now() };
    const outcome = set.evaluator.evaluate(document.text);
    return outcome instanceof Promise ? concludeLater(asked, outcome) : conclude(asked, outcome);
  }

  return {
    decide(set, build) {
      if (set === null) return refuse(null, null, ["no_policy", null]);
      let document: InputDocument | null = null;
      try {
        const built = build(set.plan);
        if (built.kind === "refused") return refuse(set, null, [built.reason, built.detail]);
        document = built;
        return ask(set, built);
      } catch (error) {
        return refuse(set, document, ["policy_error", messageOf(error)]);
      }
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Asked {
  readonly set: LoadedSet;
  /** What the policy gets, and what its decision is remembered by. */
  readonly document: InputDocument;
  readonly startedAt: number;
}

/** A decision that depended on clock, chance or network is only kept when the policy says so. */
function remember(
  { cache }: LoadedSet,
  key: string,
  { verdict, result }: Pick<Decided, "verdict" | "result">,
  { costMs, isPure }: { readonly costMs: number; readonly isPure: boolean },
): void {
  const storage = readStorage(result);
  if (storage.kind === "none" || (storage.kind === "default" && !isPure)) return;
  const kept: Decided = { verdict, result, cached: true, evaluationNs: 0 };
  cache.set(key, kept, storage.kind === "ttl" ? { costMs, ttlMs: storage.ttlMs } : { costMs });
}
