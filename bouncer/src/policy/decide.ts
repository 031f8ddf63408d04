/**
 * One decision: the input from the request, the answer from memory or from the evaluator, the
 * verdict from the answer. Whatever goes wrong on the way is a refusal with its reason.
 */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Outcome } from "../evaluation/evaluator.ts";
import type { LoadedSet } from "./loaded.ts";
import type { Decision, DenyReason } from "./decision.ts";
import type { InputPlan } from "./fields.ts";
import type { InputResult } from "./input.ts";
import { decideVerdict, denyWith, readStorage } from "./verdict.ts";

/** From what the policy wants to see to the input document of one request. */
export type BuildInput = (plan: InputPlan) => InputResult;

export interface Decider {
  /** Never throws or rejects. `set` is null while there is no policy. */
  decide(set: LoadedSet | null, build: BuildInput): Decision | Promise<Decision>;
}

type Found = Omit<Decision, "verdict" | "cached" | "result" | "evaluationNs" | "watched">;

/** `path`: the entrypoint that is asked, `envoy/authz/allow`. */
export function createDecider(path: string, log: Logger): Decider {
  function fail(found: Found, reason: "policy_error" | "policy_timeout", detail: string): Decision {
    log.error({ decision: found.id, reason, problem: detail }, "policy evaluation failed");
    return refuse(found, reason, detail);
  }

  function failed(found: Found, error: unknown): Decision {
    return fail(found, "policy_error", error instanceof Error ? error.message : String(error));
  }

  function conclude(found: Found, outcome: Outcome, asked: Asked): Decision {
    const evaluationNs = Math.round((performance.now() - asked.startedAt) * 1e6);
    if (outcome.kind !== "value") {
      const reason = outcome.kind === "timeout" ? "policy_timeout" : "policy_error";
      return { ...fail(found, reason, outcome.message), evaluationNs };
    }
    const result = outcome.value;
    const verdict = decideVerdict(result);
    remember(asked, outcome, { verdict, result });
    return { ...found, verdict, result, cached: false, evaluationNs, watched: null };
  }

  function ask(set: LoadedSet, input: object, found: Found): Decision | Promise<Decision> {
    const key = JSON.stringify(input);
    const known = set.cache.get(key);
    if (known !== undefined) {
      return { ...found, ...known, cached: true, evaluationNs: 0, watched: null };
    }
    const asked: Asked = { set, key, startedAt: performance.now() };
    const outcome = set.evaluator.evaluate(key);
    return outcome instanceof Promise
      ? outcome.then((late) => conclude(found, late, asked)).catch((error) => failed(found, error))
      : conclude(found, outcome, asked);
  }

  return {
    decide(set, build) {
      const found = {
        id: randomUUID(),
        path,
        input: null,
        bundle: set?.identity ?? null,
        bundles: set?.identities ?? [],
      };
      if (set === null) return refuse(found, "no_policy", null);
      try {
        const built = build(set.plan);
        return built.kind === "input"
          ? ask(set, built.input, { ...found, input: built.input })
          : refuse(found, built.reason, built.detail);
      } catch (error) {
        return failed(found, error);
      }
    },
  };
}

function refuse(found: Found, reason: DenyReason, detail: string | null): Decision {
  const status = reason === "bad_body" || reason === "ambiguous_request" ? 400 : 503;
  const verdict = denyWith(reason, status, detail);
  return { ...found, verdict, result: undefined, cached: false, evaluationNs: 0, watched: null };
}

interface Asked {
  readonly set: LoadedSet;
  /** The input as JSON: what the policy gets, and what its decision is remembered by. */
  readonly key: string;
  readonly startedAt: number;
}

/** A decision that depended on clock, chance or network is only kept when the policy says so. */
function remember(
  { set, key }: Asked,
  { isPure }: Extract<Outcome, { kind: "value" }>,
  decided: Pick<Decision, "verdict" | "result">,
): void {
  const storage = readStorage(decided.result);
  if (storage.kind === "ttl") set.cache.set(key, decided, storage.ttlMs);
  else if (storage.kind === "default" && isPure) set.cache.set(key, decided);
}
