import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegoNumber } from "../../../src/rego/number.ts";
import { RegoObject, RegoSet, type Value } from "../../../src/rego/value.ts";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyNumber, anyString, anyValue, mostly } from "./operand.ts";

const amount = fc.oneof(
  fc.nat({ max: 5000 }).map(String),
  fc.constantFrom(
    "0",
    "-0",
    "1.5",
    ".5",
    "1.",
    ".",
    "",
    "-1",
    "+1",
    "1e3",
    "1E-3",
    "1e",
    "1e+",
    "1e5e5",
  ),
  fc.constantFrom(
    "1.0000000001",
    "0.00000000005",
    "0.000000000049",
    "1e-999999",
    "-1e-30",
    "1e0000001",
  ),
  fc.constantFrom("18446744073709551615.7", "18446744073709551616.5", "9.999999999999999999999999"),
  fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 80n }), fc.nat()).map(([a, b]) => `${a}.${b}`),
  fc.tuple(fc.nat(), fc.integer({ min: -400, max: 400 })).map(([a, b]) => `${a}e${b}`),
  fc
    .tuple(fc.nat(), fc.nat(), fc.integer({ min: -40, max: 40 }))
    .map(([a, b, c]) => `${a}.${b}e${c}`),
);
const unit = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.constantFrom("", ..."kKmMgGtTpPeE".split("")),
        fc.constantFrom("", "i", "I"),
        fc.constantFrom("", "b", "B"),
      )
      .map((parts) => parts.join("")),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("foo", " k", "\u212A", "M\u0130", "K\u212A", "μ", '"k"', "ee", "e1"),
  },
);
const quantity = fc
  .tuple(fc.constantFrom("", "", "", "-", '"'), amount, unit)
  .map((parts) => parts.join(""));

test.each(["units.parse", "units.parse_bytes"])("%s", { timeout: 120_000 }, async (name) => {
  const operand = fc.oneof({ weight: 20, arbitrary: quantity }, { weight: 1, arbitrary: anyValue });
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(operand), 2500))).toEqual([]);
});

test("numbers.range_step", { timeout: 120_000 }, async () => {
  const near = fc.bigInt({ min: -300n, max: 300n });
  const base = fc.constantFrom(0n, 0n, 2n ** 53n, 2n ** 63n, -(2n ** 64n), 10n ** 30n);
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -2, max: 50 }).map((n) => RegoNumber.of(n)) },
    { weight: 1, arbitrary: anyNumber },
    { weight: 1, arbitrary: anyValue },
  );
  const operands = fc
    .tuple(base, near, near, step)
    .map(([zero, from, to, by]): readonly Value[] => [
      RegoNumber.of(zero + from),
      RegoNumber.of(zero + to),
      by,
    ]);
  expect(await compareWithOpa(sampleCalls("numbers.range_step", operands, 1500))).toEqual([]);
  const odd = fc.constantFrom("1.0", "1e1", "1.5", "100e-1", "5", "-0").map((text) => {
    return RegoNumber.parse(text) ?? RegoNumber.of(0);
  });
  const calls = sampleCalls("numbers.range_step", fc.tuple(odd, odd, odd), 300);
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("rand.intn of what leaves no choice", async () => {
  const limit = fc.oneof(
    fc.constantFrom("0", "1", "-1", "1.0", "1e0", "0.5", "1.00", "-0").map((text) => {
      return RegoNumber.parse(text) ?? RegoNumber.of(0);
    }),
    anyValue.filter((value) => !(value instanceof RegoNumber)),
  );
  const calls = sampleCalls("rand.intn", fc.tuple(mostly(anyString), limit), 500);
  expect(await compareWithOpa(calls)).toEqual([]);
});

const node: fc.Arbitrary<Value> = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("a", "b", "c", "d", "e") },
  { weight: 1, arbitrary: fc.constantFrom<Value>(null, RegoNumber.of(1), ["a"]) },
);
const nodes: fc.Arbitrary<Value> = fc.oneof(
  { weight: 9, arbitrary: fc.array(node, { maxLength: 4 }) },
  { weight: 9, arbitrary: fc.array(node, { maxLength: 4 }).map((all) => new RegoSet(all)) },
  { weight: 1, arbitrary: anyValue },
);

test("graph.reachable_paths", async () => {
  const graph = fc
    .array(fc.tuple(node, nodes), { maxLength: 7 })
    .map((edges): Value => new RegoObject(edges));
  const operands = fc.tuple(mostly(graph), nodes);
  expect(await compareWithOpa(sampleCalls("graph.reachable_paths", operands, 2000))).toEqual([]);
});

const part = fc.oneof(
  fc.nat({ max: 12 }).map(String),
  fc.constantFrom(
    "01",
    "",
    "-1",
    "+1",
    "a",
    "1a",
    "9223372036854775807",
    "9223372036854775808",
    "007a",
  ),
);
const identifiers = fc
  .array(fc.oneof(part, fc.constantFrom("alpha", "beta", "rc", "x-y", "-", "é", "_", "0a")), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join("."));
const version = fc
  .tuple(
    fc.constantFrom("", "", "", "", "v", "vv", "V", " "),
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }), fc.nat({ max: 3 })),
      },
      { weight: 2, arbitrary: fc.array(part, { minLength: 1, maxLength: 4 }) },
    ),
    fc.oneof(
      fc.constant(""),
      identifiers.map((text) => `-${text}`),
    ),
    fc.oneof(
      fc.constant(""),
      identifiers.map((text) => `+${text}`),
    ),
  )
  .map(([prefix, numbers, pre, build]) => prefix + numbers.join(".") + pre + build);

const soundPart = fc.oneof(
  fc.nat({ max: 12 }).map(String),
  fc.constantFrom("a", "1a", "9223372036854775807", "9223372036854775808", "0a", "-", "rc"),
);
const sound = fc
  .tuple(
    fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 1 }), fc.nat({ max: 1 })),
    fc.array(soundPart, { maxLength: 3 }),
    fc.constantFrom("", "", "+1", "+01.a"),
  )
  .map(([all, pre, build]) => all.join(".") + (pre.length > 0 ? `-${pre.join(".")}` : "") + build);

test("semver", { timeout: 120_000 }, async () => {
  const operand = fc.oneof(mostly(version), sound);
  const valid = sampleCalls("semver.is_valid", fc.tuple(operand), 2000);
  expect(await compareWithOpa(valid)).toEqual([]);
  const compared = sampleCalls("semver.compare", fc.tuple(operand, operand), 3000);
  expect(await compareWithOpa(compared)).toEqual([]);
});

test("uuid.parse", { timeout: 120_000 }, async () => {
  const digit = fc.constantFrom(..."0123456789abcdefABCDEF".split(""));
  const digits = fc.array(digit, { minLength: 32, maxLength: 32 }).map((all) => all.join(""));
  const dashed = fc
    .tuple(
      digits,
      fc.constantFrom(..."0123456789abcdef".split("")),
      fc.constantFrom(..."0123456789abcdef".split("")),
    )
    .map(([all, kind, variant]) => {
      const marked = all.slice(0, 12) + kind + all.slice(13, 16) + variant + all.slice(17);
      return marked.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    });
  const operand = fc.oneof(
    { weight: 12, arbitrary: dashed },
    { weight: 2, arbitrary: digits },
    { weight: 2, arbitrary: dashed.map((text) => `urn:uuid:${text}`) },
    { weight: 1, arbitrary: dashed.map((text) => `URN:UUID:${text}`) },
    { weight: 1, arbitrary: dashed.map((text) => `urn-uuid:${text}`) },
    { weight: 2, arbitrary: dashed.map((text) => `{${text}}`) },
    { weight: 1, arbitrary: dashed.map((text) => `x${text}é`) },
    { weight: 1, arbitrary: dashed.map((text) => `\u0000${text} `) },
    { weight: 1, arbitrary: dashed.map((text) => text.replace("-", "x")) },
    { weight: 1, arbitrary: anyValue },
  );
  expect(await compareWithOpa(sampleCalls("uuid.parse", fc.tuple(operand), 2000))).toEqual([]);
});
