/** What crosses the boundary between a compiled policy and its host comes over as it was. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { unpack } from "../../../src/bundle/archive.ts";
import { createEngine } from "../../../src/rego/engine.ts";
import { buildImage } from "../../../src/rego/image.ts";
import { RegoNumber } from "../../../src/rego/number.ts";
import { OpenQuery } from "../../../src/rego/query.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { parseTerm, printTerm } from "../../../src/rego/term.ts";
import { isArray, keyOf, RegoObject, RegoSet, type Value } from "../../../src/rego/value.ts";
import { buildBundle } from "../policy/opa.ts";
import { sample } from "../differential/harness.ts";
import { anyNumber, anyValue } from "../differential/operand.ts";

/** From the policy to the host and back: a patch that changes nothing. */
const module = `package envoy.authz

allow := [json.patch({"value": input}, []).value]
`;

async function createAsk(): Promise<(input: string) => Value | undefined> {
  const files = await unpack(await buildBundle({ "authz.rego": module }));
  const wasm = [...files].find(([name]) => name.endsWith("policy.wasm"))?.[1] ?? new Uint8Array();
  const data = new TextEncoder().encode("{}");
  const image = await buildImage({ wasm, data, entrypoint: null, evaluationBytes: 2 ** 26 });
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  const engine = createEngine(image, { builtins, now: () => performance.now() });
  return (input) => {
    const query = new OpenQuery(() => 0n);
    const deadline = Number.POSITIVE_INFINITY;
    const evaluation = engine.evaluateTerm(input, { query, deadline });
    if (evaluation.kind !== "term") throw new Error(JSON.stringify(evaluation));
    const [binding] = [...asSet(parseTerm(evaluation.text))];
    const result = binding instanceof RegoObject ? binding.get("result") : undefined;
    return result !== undefined && isArray(result) ? result[0] : undefined;
  };
}

function asSet(value: Value): RegoSet {
  if (value instanceof RegoSet) return value;
  throw new TypeError(`not a set: ${printTerm(value)}`);
}

const ask = await createAsk();

function changed(values: readonly Value[]): readonly string[] {
  return values.flatMap((value) => {
    const got = ask(printTerm(value));
    if (got !== undefined && keyOf(got) === keyOf(value)) return [];
    return [`${printTerm(value)} came back as ${got === undefined ? "undefined" : printTerm(got)}`];
  });
}

test("any value", () => {
  expect(changed(sample(anyValue, 3000))).toEqual([]);
});

test("numbers of any size, in any notation", () => {
  const notations = fc
    .tuple(anyNumber, fc.integer({ min: -300, max: 300 }))
    .map(([{ text }, exponent]) => RegoNumber.parse(`${text.replace(/e.*/, "")}e${exponent}`))
    .filter((number) => number !== null);
  expect(changed(sample(fc.oneof(anyNumber, notations), 2000))).toEqual([]);
});

test("every character", () => {
  const points = Array.from({ length: 0x11_00 }, (_point, block) => block * 0x100).filter(
    (first) => first < 0xd8_00 || first > 0xdf_ff,
  );
  const texts = points.map((first) =>
    String.fromCodePoint(...Array.from({ length: 0x100 }, (_point, at) => first + at)),
  );
  expect(changed(texts)).toEqual([]);
});
