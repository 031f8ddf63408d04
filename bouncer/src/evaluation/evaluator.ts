/**
 * Asks the policy one question, however many evaluations that takes: at first on the spot, for as
 * long as other requests can wait; what is not done by then goes on beside. Calls into the network
 * are made between two evaluations, all at once, and what they answered is there in the next.
 */
import { Allowance } from "../rego/allowance.ts";
import type { Call } from "../rego/builtin.ts";
import type { Engine, Evaluation } from "../rego/engine.ts";
import { OpenQuery } from "../rego/query.ts";
import type { Value } from "../rego/value.ts";
import type { SlowLane } from "./slow-lane.ts";

export type Outcome =
  /** `isPure`: it depends on nothing but the input and the data. */
  | { readonly kind: "value"; readonly value: unknown; readonly isPure: boolean }
  | { readonly kind: "timeout"; readonly message: string }
  | { readonly kind: "error"; readonly message: string };

export interface Evaluator {
  /** Never throws or rejects. `input` is a JSON text. */
  evaluate(input: string): Outcome | Promise<Outcome>;
}

/** The network, as far as policies may use it. Never rejects; null is a failure. */
export type MakeCall = (call: Call, nowNs: bigint, signal: AbortSignal) => Promise<Value | null>;

export interface EvaluatorDeps {
  readonly engine: Engine;
  readonly slowLane: SlowLane;
  readonly makeCall: MakeCall;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly limits: EvaluationLimits;
}

export interface EvaluationLimits {
  /** One evaluation. */
  readonly evaluationMs: number;
  /** The whole decision: all evaluations, and what they wait for. */
  readonly decisionMs: number;
}

/** Other requests wait so long at most for an evaluation that may well be done soon. */
export const spotMs = 10;
/** Evaluations of one decision that lead to further calls. */
export const maxRounds = 8;

const nanoseconds = 1_000_000n;

export function createEvaluator(deps: EvaluatorDeps): Evaluator {
  const { engine, slowLane, limits } = deps;

  function evaluateHere(input: string, query: OpenQuery): Evaluation {
    return engine.evaluate(input, new Allowance(query, Math.min(spotMs, limits.evaluationMs)));
  }

  async function makeCalls(query: OpenQuery, deadline: number): Promise<void> {
    const leftMs = Math.max(0, Math.ceil(deadline - performance.now()));
    const signal = AbortSignal.timeout(leftMs);
    const calls = query.takeUnanswered();
    const answers = await Promise.all(
      calls.map((call) => deps.makeCall(call, query.now(), signal)),
    );
    for (const [index, call] of calls.entries()) query.setAnswer(call, answers[index] ?? null);
  }

  async function goOn(
    input: string,
    query: OpenQuery,
    deadline: number,
    first: Evaluation,
  ): Promise<Outcome> {
    let evaluation = first;
    for (let round = 0; round <= maxRounds; round += 1) {
      const { evaluationMs: budgetMs } = limits;
      if (evaluation.kind === "timeout" && !query.hasUnanswered()) {
        evaluation = await slowLane.evaluate({ input, query, budgetMs, deadline });
      }
      if (!query.hasUnanswered()) return outcomeOf(evaluation, query, limits);
      await makeCalls(query, deadline);
      if (performance.now() >= deadline) return late(limits);
      evaluation = evaluateHere(input, query);
    }
    return { kind: "error", message: `it needs the network more than ${maxRounds} times in a row` };
  }

  return {
    evaluate(input) {
      const query = new OpenQuery(() => BigInt(deps.now()) * nanoseconds);
      const deadline = performance.now() + limits.decisionMs;
      const first = evaluateHere(input, query);
      const isOver = first.kind !== "timeout" && !query.hasUnanswered();
      return isOver
        ? outcomeOf(first, query, limits)
        : goOn(input, query, deadline, first).catch(fail);
    },
  };
}

function fail(error: unknown): Outcome {
  return { kind: "error", message: error instanceof Error ? error.message : String(error) };
}

function outcomeOf(evaluation: Evaluation, query: OpenQuery, limits: EvaluationLimits): Outcome {
  switch (evaluation.kind) {
    case "value":
      return { kind: "value", value: evaluation.value, isPure: query.isPure() };
    case "timeout":
      return late(limits);
    case "error":
      return evaluation;
    default:
      return evaluation satisfies never;
  }
}

function late({ evaluationMs, decisionMs }: EvaluationLimits): Outcome {
  const message = `no decision within ${evaluationMs} ms of evaluation and ${decisionMs} ms in all`;
  return { kind: "timeout", message };
}
