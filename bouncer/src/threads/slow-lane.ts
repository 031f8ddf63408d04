/** The slow lane is that of the process, in a thread that the main one has: asked from another. */
import type { SlowJob, SlowLane } from "../evaluation/slow-lane.ts";
import type { Evaluation } from "../rego/engine.ts";
import { OpenQuery, type QueryState } from "../rego/query.ts";
import type { SlowQuestion } from "./messages.ts";

export interface SlowAnswer {
  readonly evaluation: Evaluation;
  readonly query: QueryState;
}

export type AskSlowly = (question: SlowQuestion) => Promise<SlowAnswer>;

export function createDistantLane(set: number, ask: AskSlowly): SlowLane {
  return {
    async evaluate({ input, query, budgetMs, deadline }: SlowJob) {
      const leftMs = deadline - performance.now();
      const answer = await ask({ set, input, query: query.save(), budgetMs, leftMs });
      query.restore(answer.query);
      return answer.evaluation;
    },
    // It ends with the set of the main thread.
    close: () => undefined,
  };
}

/** `lane`: null when the set is there no more. Never rejects. */
export async function evaluateFor(
  { input, query: state, budgetMs, leftMs }: SlowQuestion,
  lane: SlowLane | null,
): Promise<SlowAnswer> {
  if (lane === null) return { evaluation: { kind: "timeout" }, query: state };
  const query = OpenQuery.from(state);
  const deadline = performance.now() + leftMs;
  const evaluation = await lane.evaluate({ input, query, budgetMs, deadline });
  return { evaluation, query: query.save() };
}
