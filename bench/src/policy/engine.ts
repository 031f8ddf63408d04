/** Our engine, asked directly: the evaluation alone, as `opa bench` measures it. */
import { unpack } from "../../../bouncer/src/bundle/archive.ts";
import { createEngine } from "../../../bouncer/src/rego/engine.ts";
import { buildImage } from "../../../bouncer/src/rego/image.ts";
import { OpenQuery } from "../../../bouncer/src/rego/query.ts";
import { findBuiltins } from "../../../bouncer/src/rego/registry.ts";
import { entrypoint } from "./policy.ts";
import type { Setting } from "./setting.ts";

export interface AskedEngine {
  /** Latencies in microseconds. */
  measure(input: string, count: number): readonly number[];
  evaluate(input: string): unknown;
  /** Of its Wasm memory. */
  readonly memoryMiB: number;
  readonly loadMs: number;
}

export async function loadEngine({ data, whole }: Setting): Promise<AskedEngine> {
  const files = await unpack(whole);
  const wasm = [...files].find(([name]) => name.endsWith("policy.wasm"))?.[1];
  if (wasm === undefined) throw new Error("opa made no policy.wasm");
  const start = performance.now();
  const image = await buildImage({ wasm, data, entrypoint, evaluationBytes: 64 * 1024 ** 2 });
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  const engine = createEngine(image, { builtins, now: () => performance.now() });
  const loadMs = performance.now() - start;
  const evaluate = (input: string): unknown => {
    const deadline = performance.now() + 1000;
    const query = new OpenQuery(() => 0n);
    const evaluation = engine.evaluate(input, { query, deadline });
    if (evaluation.kind !== "value") throw new Error(`evaluation: ${JSON.stringify(evaluation)}`);
    return evaluation.value;
  };
  return {
    evaluate,
    measure(input, count) {
      const latenciesUs: number[] = [];
      for (let asked = 0; asked < count; asked += 1) {
        const before = performance.now();
        evaluate(input);
        latenciesUs.push((performance.now() - before) * 1000);
      }
      return latenciesUs;
    },
    memoryMiB: image.memory.buffer.byteLength / 1024 ** 2,
    loadMs,
  };
}
