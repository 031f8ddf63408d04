/**
 * Lets the compiler see a policy at work, so that the first requests are not the slow ones; in small
 * rounds, because the event loop serves requests meanwhile.
 */
import { setImmediate } from "node:timers/promises";
import { Allowance } from "../rego/allowance.ts";
import type { Engine } from "../rego/engine.ts";
import { OpenQuery } from "../rego/query.ts";
import { type InputPlan } from "./fields.ts";
import { buildInput } from "./input.ts";

export interface Extent {
  readonly rounds: number;
  /** In each round, unless a millisecond is over before. */
  readonly evaluations: number;
}

/** Beside what serves, which has the better of it. */
export const thoroughly: Extent = { rounds: 100, evaluations: 20 };
/** At start, when everybody waits, perhaps for a tenth of a processor: what is run once is compiled. */
export const atStart: Extent = { rounds: 1, evaluations: 2 };
/** For code that was warmed in a thread: it is shared, and what calls it is not. */
export const briefly: Extent = { rounds: 10, evaluations: 5 };

/** More than any that other requests could wait for. */
const evaluationMs = 8;

/** Stops at the first error: to a made-up request, a sound policy may answer with one. */
export async function warm(engine: Engine, plan: InputPlan, extent: Extent): Promise<void> {
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
  for (let round = 0; round < extent.rounds; round += 1) {
    const endsAt = performance.now() + 1;
    for (let count = 0; count < extent.evaluations && performance.now() < endsAt; count += 1) {
      const allowance = new Allowance(new OpenQuery(() => 0n), evaluationMs);
      if (engine.evaluate(built.text, allowance).kind !== "value") return;
    }
    await setImmediate();
  }
}
