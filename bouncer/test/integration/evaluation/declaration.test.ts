/**
 * What OPA says that a decision depends on is what is built of the input: random policies decide the
 * same with that as with the whole of it.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { unpack } from "../../../src/bundle/archive.ts";
import { declare } from "../../../src/cli/declaration.ts";
import { runOpa } from "../../../src/cli/opa.ts";
import { findMentioned } from "../../../src/evaluation/prepare.ts";
import { planInput } from "../../../src/policy/fields.ts";
import { buildInput } from "../../../src/policy/input.ts";
import { createEngine } from "../../../src/rego/engine.ts";
import { buildImage } from "../../../src/rego/image.ts";
import { OpenQuery } from "../../../src/rego/query.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { requestOf } from "../policy/setting.ts";

const http = "attributes.request.http";
const always = [
  ["attributes.source", "attributes.destination", "version", `${http}.method`, `${http}.headers`],
  [`${http}.path`, `${http}.host`, `${http}.size`, "parsed_path", "parsed_query"],
].flat();
/** Of these, whoever only looks through an object does not get what it does not name. */
const named = ["attributes.request.time", `${http}.id`, `${http}.body`, "parsed_body"];

/** References into the input: to fields, to members, to what has no field. */
const refs = [
  ["input.parsed_path[0]", "input.parsed_path", "input.parsed_query.a[0]", "input.parsed_query"],
  ['input.parsed_query["a.b"][0]', `input.${http}.headers["x-a"]`, `input.${http}.headers`],
  [`input.${http}.headers["x-a.b"]`, `input.${http}.method`, `input.${http}.body`, `input.${http}`],
  ["input.attributes.request.time", "input.attributes.request", "input.attributes"],
  ["input.attributes.source.address.socketAddress.portValue", "input.parsed_body.name"],
  ["input.parsed_body", "input.nothing.there", "input.attributes.nothing"],
].flat();
const ref = fc.constantFrom(...refs);
const nested = fc.constantFrom(
  "body",
  "time",
  "path",
  "method",
  "a",
  "a.b",
  "x-a",
  "name",
  "principal",
);

/** Conditions, by the ways in which a value of the input may come into them. */
const condition = fc.oneof(
  ref.map((one) => `${one} == data.wanted[_]`),
  ref.map((one) => `not ${one}`),
  ref.map((one) => `count(${one}) > 1`),
  fc.tuple(ref, nested).map(([one, name]) => `x := ${one}; x["${name}"] == data.wanted[_]`),
  fc.tuple(ref, nested).map(([one, name]) => `x := ${one}; not x["${name}"]`),
  fc.tuple(ref, nested).map(([one, name]) => `handed(${one}, "${name}")`),
  fc.tuple(ref, nested).map(([one, name]) => `not handed(${one}, "${name}")`),
  fc.tuple(ref, ref).map(([one, other]) => `kept with input.parsed_path as ${one}; ${other}`),
  fc
    .tuple(ref, ref)
    .map(([one, other]) => `data.more.chain with data.base as ${one}; not ${other}`),
  ref.map((one) => `kept with input as {"parsed_path": [${one}]}`),
  ref.map((one) => `count([y | some y in ${one}; y != ""]) > 1`),
  ref.map((one) => `walk(${one}, [p, v]); v == data.wanted[_]; count(p) < 3`),
  ref.map((one) => `count({k: v | some k, v in ${one}}) > 2`),
  ref.map((one) => `every y in ${one} { y != "evil" }`),
  ref.map((one) => `object.get(${one}, "name", "none") == "none"`),
  ref.map((one) => `data.more.rules[${one}].ok`),
  fc.constantFrom(
    "data.more.chain == 2",
    "data.more.rules[_].ok",
    "not data.more.rules.last.ok",
    "data.more.table[input.parsed_path[0]]",
    "some name; data.more[name].ok",
    "shape.body",
    'shape["parsed_body"].name == "ann"',
    "request.body",
    "imported.method",
    "holder.here == data.wanted[_]",
  ),
);

const rego = fc.array(condition, { minLength: 1, maxLength: 3 }).map(
  (conditions) => `package envoy.authz
import input.${http} as imported
default allow := false
${conditions.map((one) => `allow if { ${one} }`).join("\n")}
handed(x, name) if x[name] == data.wanted[_]
kept if input.parsed_path[0] == data.wanted[_]
shape := input
request := input.${http}
holder.here := input.parsed_query.a[0]
holder.there := input.parsed_body if input.parsed_path[1]`,
);

const more = `package more
chain := 1 if input.parsed_path[0] == "x"
else := 2 if input.${http}.headers["x-a"] == "1"
else := data.base
rules.first.ok if input.${http}.method == "POST"
rules.last.ok if input.parsed_query["a.b"]
rules[name].ok if some name in input.parsed_path
table contains input.${http}.host`;

const value = fc.constantFrom("x", "1", "evil", "ann", "");
const request = fc.record({
  target: fc.tuple(value, value, value).map(([a, b, c]) => `/${a}/${b}?a=${c}&a.b=${a}`),
  method: fc.constantFrom("GET", "POST"),
  rawHeaders: fc
    .tuple(value, value)
    .map(([a, b]) => ["content-type", "application/json", "x-a", a, "x-a.b", b]),
  name: value,
});

const context = { time: () => "1", id: () => "x" };

async function compile(text: string, directory: string) {
  await writeFile(join(directory, "authz.rego"), text);
  await writeFile(join(directory, "more.rego"), more);
  await writeFile(join(directory, "data.json"), '{"wanted":["x","1","ann"],"base":3}');
  const output = join(directory, "bundle.tar.gz");
  const query = ["-t", "wasm", "-e", "envoy/authz/allow", "-o", output];
  const files = ["authz.rego", "more.rego", "data.json"];
  await runOpa("compile", ["build", ...query, ...files], directory);
  const sources = files.flatMap((file) => ["-d", join(directory, file)]);
  const args = ["deps", "--format", "json", ...sources, "data.envoy.authz.allow"];
  const unpacked = await unpack(await readFile(output));
  const [wasm, data] = [unpacked.get("policy.wasm"), unpacked.get("data.json")];
  if (wasm === undefined || data === undefined) throw new Error("opa left something out");
  const { fields } = declare(await runOpa("analyse", args), findMentioned(wasm));
  const image = await buildImage({ wasm, data, entrypoint: null, evaluationBytes: 2 ** 24 });
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  const engine = createEngine(image, { builtins, now: () => 0 });
  return { engine, fields, mentioned: findMentioned(wasm) };
}

test("random policies", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bouncer-"));
  try {
    await fc.assert(
      fc.asyncProperty(
        rego,
        fc.array(request, { minLength: 20, maxLength: 20 }),
        async (text, all) => {
          const { engine, fields, mentioned } = await compile(text, directory);
          const decide = (
            declared: readonly string[] | null,
            one: (typeof all)[number],
          ): unknown => {
            const { name, ...head } = one;
            const body = { bytes: Buffer.from(JSON.stringify({ name })), truncated: false };
            const planned = planInput(declared, mentioned);
            if (planned.kind !== "plan") throw new Error(planned.field);
            const rawHeaders = [...head.rawHeaders, "content-length", `${body.bytes.byteLength}`];
            const built = buildInput(
              planned.plan,
              requestOf({ ...head, rawHeaders }),
              body,
              context,
            );
            if (built.kind !== "input") throw new Error(built.detail);
            const evaluating = { query: new OpenQuery(() => 0n), deadline: 1 };
            return engine.evaluate(built.text, evaluating);
          };
          const isMentioned = (field: string): boolean =>
            mentioned.includes(field.slice(field.lastIndexOf(".") + 1));
          const whole = [...always, ...named.filter(isMentioned)];
          for (const one of all) expect(decide(fields, one)).toEqual(decide(whole, one));
        },
      ),
      { numRuns: 20 },
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});
