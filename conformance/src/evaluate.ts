/**
 * One case on our engine, as the bouncer runs it: metered, with a bound on memory and on time, and
 * calls into the network between two evaluations. No case wants to get beyond this machine.
 */
import { buildImage } from "../../bouncer/src/rego/image.ts";
import type { Builtin, Builtins } from "../../bouncer/src/rego/builtin.ts";
import { createEngine, type Engine, type TermEvaluation } from "../../bouncer/src/rego/engine.ts";
import { createNetwork } from "../../bouncer/src/rego/network/network.ts";
import { RegoNumber } from "../../bouncer/src/rego/number.ts";
import { OpenQuery } from "../../bouncer/src/rego/query.ts";
import { findBuiltins } from "../../bouncer/src/rego/registry.ts";
import type { Case } from "./cases.ts";
import type { Answer } from "./judge.ts";

const evaluationBytes = 64 * 1024 ** 2;
const budgetMs = 20_000;
const maxRounds = 8;
const encoder = new TextEncoder();

const network = createNetwork({
  rules: { allow: [], deny: [] },
  tls: { directory: null, environment: {} },
  maxBodyBytes: 0,
});

export async function evaluate(wanted: Case, wasm: Uint8Array): Promise<Answer> {
  const builtins = new Map<string, Builtin>(Object.entries(createTestBuiltins()));
  const missing: string[] = [];
  const find: typeof findBuiltins = async (names) => {
    const found = await findBuiltins(names.filter((name) => !builtins.has(name)));
    for (const [name, builtin] of found.builtins) builtins.set(name, builtin);
    missing.push(...found.missing);
    return { builtins, missing: [] };
  };
  try {
    const data = encoder.encode(wanted.data);
    const image = await buildImage({ wasm, data, entrypoint: null, evaluationBytes }, find);
    if (missing.length > 0) return { kind: "missing", names: missing };
    const engine = createEngine(image, { builtins, now: () => performance.now() });
    const answer = await ask(engine, wanted.input ?? null);
    return answer.kind === "timeout" ? { kind: "error", message: "it took too long" } : answer;
  } catch (error) {
    return { kind: "error", message: String(error) };
  }
}

async function ask(engine: Engine, input: string | null): Promise<TermEvaluation> {
  const deadline = performance.now() + budgetMs;
  const query = new OpenQuery(() => BigInt(Date.now()) * 1_000_000n);
  query.isLate = () => performance.now() >= deadline;
  for (let round = 0; round < maxRounds; round += 1) {
    const evaluation = engine.evaluateTerm(input, { query, deadline });
    if (!query.hasUnanswered()) return evaluation;
    for (const call of query.takeUnanswered()) {
      const signal = AbortSignal.timeout(budgetMs);
      query.setAnswer(call, await network.call(call, query.now(), signal));
    }
  }
  return { kind: "error", message: "it needs the network too often" };
}

/** Built-ins that belong to the cases, not to OPA; new ones for each case. */
function createTestBuiltins(): Builtins {
  let isMemoized = false;
  return {
    "test.sleep": () => null,
    custom_builtin_test: (operands) => RegoNumber.of((operands.integer(0) ?? 0n) + 1n),
    custom_builtin_test_impure: () => "foo",
    custom_builtin_test_memoization: () => {
      if (isMemoized) throw new Error("it was called twice");
      isMemoized = true;
      return RegoNumber.of(100);
    },
  };
}
