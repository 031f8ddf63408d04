/** The tables of built-ins, compared with the real `opa`: what it knows, and what it compiles. */
import { expect, test } from "vitest";
import * as v from "valibot";
import { unpack } from "../../../src/bundle/archive.ts";
import { compiled, impure, native, unavailable } from "../../../src/rego/coverage.ts";
import { buildImage } from "../../../src/rego/image.ts";
import { groups } from "../../../src/rego/registry.ts";
import { buildBundle, opa } from "../policy/opa.ts";

const capabilities = v.object({
  builtins: v.array(
    v.object({
      name: v.string(),
      decl: v.object({
        args: v.optional(v.array(v.unknown()), []),
        result: v.optional(v.unknown()),
      }),
      nondeterministic: v.optional(v.boolean(), false),
    }),
  ),
});

const known = v.parse(
  capabilities,
  JSON.parse(await opa(".", "capabilities", "--current")),
).builtins;
const hosted = groups.flatMap(({ names }) => names);

test("every built-in of opa has its place", () => {
  const placed = [...hosted, ...native, ...Object.keys(compiled), ...Object.keys(unavailable)];
  expect(placed.toSorted()).toEqual(known.map(({ name }) => name).toSorted());
});

test("what depends on more than operands is what opa says, but schemas, which are never fetched", () => {
  const schemas = ["json.match_schema", "json.verify_schema"];
  const named = known.filter(({ nondeterministic }) => nondeterministic).map(({ name }) => name);
  expect(Object.keys(impure).toSorted()).toEqual(named.filter((name) => !schemas.includes(name)));
});

/** A rule that calls it, with operands of no known type. */
function writeRule({ name, decl }: (typeof known)[number], index: number): string {
  const operands = decl.args.map((_, at) => `input[${at}]`).join(", ");
  const call = `${name}(${operands})`;
  // Few have no value.
  return decl.result === undefined
    ? `rule${index} { ${call} }`
    : `rule${index} = value { value := ${call} }`;
}

test("a policy that calls all of them asks its host for those that are not native", async () => {
  // Syntax, and what has no value.
  const special = ["assign", "eq", "print", "internal.print", "walk"];
  const called = known.filter(({ name }) => !special.includes(name));
  const bundle = await buildBundle(
    { "all.rego": ["package envoy.authz.allow", ...called.map(writeRule)].join("\n") },
    "--v0-compatible",
  );
  const files = await unpack(bundle);
  const wasm = [...files].find(([name]) => name.endsWith("policy.wasm"))?.[1] ?? new Uint8Array();
  let asked: readonly string[] = [];
  await buildImage(
    { wasm, data: new TextEncoder().encode("{}"), entrypoint: null, evaluationBytes: 0 },
    async (names) => {
      asked = names;
      return { builtins: new Map(), missing: [] };
    },
  );
  const expected = [...hosted, ...Object.keys(unavailable)].filter(
    (name) => !special.includes(name),
  );
  expect(asked.toSorted()).toEqual(expected.toSorted());
});
