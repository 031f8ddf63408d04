import { beforeAll, describe, expect, test } from "vitest";
import { prepare } from "../../../src/evaluation/prepare.ts";
import { createEngine, type Engine, type Evaluation } from "../../../src/rego/engine.ts";
import { OpenQuery } from "../../../src/rego/query.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { buildBundle } from "./opa.ts";
import { requirements } from "./requirements.ts";

async function engineOf(rego: string, data: object = {}): Promise<Engine> {
  const bytes = await buildBundle({ "authz.rego": rego, "data.json": JSON.stringify(data) });
  const snapshots = [{ name: "policy.tar.gz", bytes, deltas: [] }];
  const { image } = await prepare({ snapshots, requirements, evaluationBytes: 32 * 1024 * 1024 });
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  return createEngine(image, { builtins, now: () => performance.now() });
}

function evaluate(engine: Engine, input: string, budgetMs = 60_000): Evaluation {
  const deadline = performance.now() + budgetMs;
  return engine.evaluate(input, { query: new OpenQuery(() => 0n), deadline });
}

function ask(engine: Engine, input: unknown): unknown {
  const evaluation = evaluate(engine, JSON.stringify(input));
  if (evaluation.kind === "value") return evaluation.value;
  return new Error(evaluation.kind === "error" ? evaluation.message : evaluation.kind);
}

/** Two definitions that disagree are an error that only evaluation finds. */
const conflicting = `package envoy.authz
allow := {"user": input.user, "known": glob.match("a*", [], data.users[input.user])}
allow := 1 if input.conflict`;

describe("evaluations that throw", () => {
  let engine: Engine;
  const good = { user: "u7" };
  const verdict = { user: "u7", known: true };
  beforeAll(async () => {
    const users = Array.from({ length: 2000 }, (_, at) => [`u${at}`, `a${at}`] as const);
    engine = await engineOf(conflicting, { users: Object.fromEntries(users) });
  });

  test.each([1, 1000, 10_000])("after %d of them, decisions are right", (times) => {
    expect(ask(engine, good)).toEqual(verdict);
    const before = engine.revivals();
    const failures = Array.from({ length: times }, () => ask(engine, { ...good, conflict: true }));
    expect(failures.every((failure) => failure instanceof Error)).toBe(true);
    expect(engine.revivals() - before).toBe(times);
    for (let count = 0; count < 100; count += 1) expect(ask(engine, good)).toEqual(verdict);
  });

  test("between them, decisions are right", () => {
    for (let count = 0; count < 1000; count += 1) {
      expect(ask(engine, { ...good, conflict: true })).toBeInstanceOf(Error);
      expect(ask(engine, good)).toEqual(verdict);
    }
  });

  test("a built-in that fails on its operands is undefined, and nothing else", async () => {
    const hashing = await engineOf(`package envoy.authz
allow := {"hash": crypto.sha256(input.x)}`);
    for (let count = 0; count < 1000; count += 1) expect(ask(hashing, { x: 1 })).toBeUndefined();
    expect(hashing.revivals()).toBe(0);
  });

  test("an evaluation that takes all memory is one of them, and memory is there again", async () => {
    const greedy = await engineOf(`package envoy.authz
allow := count(numbers.range(1, input.n))`);
    expect(ask(greedy, { n: 10_000_000 })).toBeInstanceOf(Error);
    expect(ask(greedy, { n: 10 })).toBe(10);
  });
});

test("an undefined decision is undefined, not an error", async () => {
  const engine = await engineOf("package envoy.authz\nallow if input.yes");
  expect(evaluate(engine, "{}")).toEqual({ kind: "value", value: undefined });
  expect(engine.revivals()).toBe(0);
});

test("large data is found, with its big numbers", async () => {
  const rows = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, at) => [`key-${at}`, { name: `name ${at}`, at }]),
  );
  const engine = await engineOf("package envoy.authz\nallow := data.rows[input.key].at", { rows });
  expect(ask(engine, { key: "key-49999" })).toBe(49_999);
  expect(ask(engine, { key: "key-50000" })).toBeUndefined();
});

test("numbers that a double cannot hold are compared as they are", async () => {
  const engine = await engineOf("package envoy.authz\nallow if input.id == 9007199254740993");
  expect(evaluate(engine, '{"id":9007199254740993}')).toEqual({ kind: "value", value: true });
  expect(evaluate(engine, '{"id":9007199254740992}')).toEqual({ kind: "value", value: undefined });
});

test("inputs of any size and script", async () => {
  const engine = await engineOf("package envoy.authz\nallow := input.text");
  for (const text of ["", "\u{1F600}\u00e9", "x".repeat(2_000_000), "\u0000"]) {
    expect(ask(engine, { text })).toBe(text);
  }
});

test("the built-ins of the host answer as OPA does", async () => {
  const engine = await engineOf(`package envoy.authz
allow := [
  crypto.sha256("foo"), crypto.hmac.sha256("foo", "bar"), crypto.hmac.equal("a", "a"),
  hex.encode("foo"), hex.decode("666f6f"), base64url.encode_no_pad("foo?"),
  strings.any_prefix_match({"/a", "/b"}, {"/b"}), strings.count("cheese", "e"),
  sprintf("%s/%d", ["a", 7]), glob.quote_meta("*.a"),
]`);
  expect(ask(engine, {})).toEqual([
    "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "147933218aaabc0b8b10a2b3a5c34684c8d94341bcf10a4736dc7270f7741851",
    true,
    "666f6f",
    "foo",
    "Zm9vPw",
    true,
    3,
    "a/7",
    String.raw`\*.a`,
  ]);
});
