import { expect, test } from "vitest";
import { BuiltinError, Operands, type Query, TimeIsUp } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { printTerm } from "../term.ts";
import { RegoObject, type Value } from "../value.ts";
import { builtins as cidr } from "./cidr.ts";
import { builtins as numbers } from "./numbers.ts";
import { builtins as paths } from "./paths.ts";
import { builtins as units } from "./units.ts";
import { builtins as uuids } from "./uuid.ts";

const all = { ...cidr, ...numbers, ...paths, ...units, ...uuids };

/** Random bytes count up; `steps` is how often time may be looked at. */
function createQuery(steps = Infinity): Query {
  let [drawn, left] = [0, steps];
  return {
    now: () => 0n,
    random: (count) => Uint8Array.from({ length: count }, () => (drawn += 1)),
    answer: () => undefined,
    checkTime: () => {
      left -= 1;
      if (left < 0) throw new TimeIsUp("time is up");
    },
    memory: new Map(),
  };
}

const n = (value: number | bigint): Value => RegoNumber.of(value);

function call(name: keyof typeof all, operands: readonly Value[], query = createQuery()): Value {
  return all[name]?.(new Operands(operands), query) ?? "undefined";
}

/** Every node leads to every node: more paths than anybody waits for. */
const dense = new RegoObject(
  Array.from({ length: 20 }, (_, from) => [
    n(from),
    Array.from({ length: 20 }, (_all, to) => n(to)),
  ]),
);

test.each([
  ["net.cidr_expand", ["10.0.0.0/16"]],
  ["net.cidr_contains_matches", [Array.from({ length: 200 }, () => "::/0"), "::1"]],
  ["numbers.range_step", [n(1), n(100_000), n(1)]],
  ["graph.reachable_paths", [dense, [n(0)]]],
] as const)("%s stops when time is up", (name, operands) => {
  expect(() => call(name, operands, createQuery(100))).toThrow(TimeIsUp);
});

test.each([
  ["net.cidr_expand", ["10.0.0.0/15"]],
  ["net.cidr_expand", ["::/0"]],
  ["numbers.range_step", [n(0), n(10n ** 30n), n(1)]],
] as const)("%s does not begin what is too large", (name, operands) => {
  expect(() => call(name, operands, createQuery(0))).toThrow(TimeIsUp);
});

test.each([
  ["units.parse", ["1e999999"]],
  ["units.parse_bytes", ["1e999999"]],
  ["units.parse", ["1e1000000"]],
] as const)("%s of %j has too many digits", (name, operands) => {
  expect(() => call(name, operands)).toThrow(BuiltinError);
});

test("a long way does not need a stack", () => {
  const chain = new RegoObject(
    Array.from({ length: 50_000 }, (_, from) => [n(from), [n(from + 1)]]),
  );
  const [path = ""] = printTerm(call("graph.reachable_paths", [chain, [n(0)]])).split(",49999]");
  expect(path.startsWith("{[0,1,2,")).toBe(true);
});

test("within a query, a key has one UUID and a number for each limit; other queries differ", () => {
  const query = createQuery();
  const first = call("uuid.rfc4122", ["a"], query);
  expect(first).toBe("01020304-0506-4708-890a-0b0c0d0e0f10");
  expect(call("uuid.rfc4122", ["b"], query)).not.toBe(first);
  expect(call("uuid.rfc4122", ["a"], query)).toBe(first);
  const drawn = printTerm(call("rand.intn", ["a", n(1_000_000)], query));
  expect(printTerm(call("rand.intn", ["b", n(1_000_000)], query))).not.toBe(drawn);
  expect(printTerm(call("rand.intn", ["a", n(-1_000_000)], query))).toBe(drawn);
  query.memory.clear();
  expect(call("uuid.rfc4122", ["a"], query)).not.toBe(first);
});

test("what would make small numbers more likely is drawn again", () => {
  const blocks = [0xff, 0x00];
  const query = { ...createQuery(), random: () => new Uint8Array(8).fill(blocks.shift() ?? 7) };
  // 2^64 is 1 mod 3: of its last number, all ones, 0 would have one chance more.
  expect(printTerm(call("rand.intn", ["a", n(3)], query))).toBe("0");
  expect(blocks).toEqual([]);
});
