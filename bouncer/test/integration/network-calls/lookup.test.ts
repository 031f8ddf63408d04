/** Names to addresses, compared with the real `opa eval`. */
import { expect, test } from "vitest";
import { createGate } from "../../../src/rego/network/gate.ts";
import { createResolver } from "../../../src/rego/network/resolve.ts";
import { printTerm } from "../../../src/rego/term.ts";
import type { Value } from "../../../src/rego/value.ts";
import { askOpa } from "../differential/harness.ts";
import { ask, openNetwork } from "./setting.ts";

const names = [
  "localhost",
  "LOCALHOST",
  "localhost.",
  "127.0.0.1",
  "127.0.0.1.",
  "::1",
  "[::1]",
  "127.1",
  "0x7f.1",
  "0x7f000001",
  "2130706433",
  "1.2.3.04",
  "1.2.3",
  "::ffff:1.2.3.4",
  "2001:DB8:0::1",
  "fe80::1%eth0",
  "::1%lo",
  "",
  ".",
  "..",
  "a..b",
  ".a",
  "-a",
  "a-",
  "a b",
  "ü.invalid",
  "a_b",
  "nothing.invalid",
  "nothing.invalid.",
  "*",
  "localhost:80",
  "http://localhost/",
  "a\u0000b",
  "::",
  "0:0:0:0:0:0:0:1",
  "1:2:3:4:5:6:1.2.3.4",
  "1::g",
  "a".repeat(64),
  "a.".repeat(130),
];

const print = (answer: Value | undefined): string =>
  answer === undefined ? "undefined" : printTerm(answer);

test("answers are those of OPA", async () => {
  await using network = openNetwork();
  const calls = names.map((name) => ["net.lookup_ip_addr", name] as const);
  const theirs = await askOpa(calls);
  const ours = await Promise.all(calls.map((call) => ask(network, call)));
  const table = (answers: readonly (string | undefined)[]) =>
    Object.fromEntries(names.map((name, at) => [name, answers[at]]));
  expect(table(ours.map(print))).toEqual(table(names.map((_, at) => print(theirs.get(at)))));
});

test("all addresses are in the answer, each once, in one form", async () => {
  const found = ["2001:DB8::0:1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "2001:db8::1", "bad"];
  await using network = openNetwork({ lookup: async () => found });
  const answer = await ask(network, ["net.lookup_ip_addr", "many.example"]);
  expect(printTerm(answer ?? null)).toBe('{"10.0.0.1","10.0.0.2","2001:db8::1"}');
});

test("no answer, none in time, too many: undefined", async () => {
  const many = Array.from({ length: 257 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
  const lookups = [
    async () => await Promise.reject(new Error("SERVFAIL")),
    async () => [],
    async () => many,
  ];
  for (const lookup of lookups) {
    await using network = openNetwork({ lookup });
    expect(await ask(network, ["net.lookup_ip_addr", "x.example"])).toBeUndefined();
  }
  const asked = Promise.withResolvers<void>();
  const never = Promise.withResolvers<readonly string[]>();
  await using network = openNetwork({
    lookup: async () => {
      asked.resolve();
      return await never.promise;
    },
  });
  const decision = new AbortController();
  const answer = ask(network, ["net.lookup_ip_addr", "x.example"], { signal: decision.signal });
  await asked.promise;
  decision.abort();
  expect(await answer).toBeUndefined();
  never.resolve([]);
});

test("an operand of another type is undefined, and asks nobody", async () => {
  await using network = openNetwork({
    lookup: () => {
      throw new Error("asked");
    },
  });
  for (const operand of [null, true, ["localhost"]]) {
    expect(await ask(network, ["net.lookup_ip_addr", operand])).toBeUndefined();
  }
});

test("few names are asked for at a time; who gives up gives up its place in the queue", async () => {
  const waiting: PromiseWithResolvers<readonly string[]>[] = [];
  const asked: string[] = [];
  const began = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const resolver = createResolver(async (name) => {
    began[asked.length]?.resolve();
    asked.push(name);
    const turn = Promise.withResolvers<readonly string[]>();
    waiting.push(turn);
    return await turn.promise;
  }, createGate(2));
  const impatient = new AbortController();
  const { signal } = new AbortController();
  const [a, b] = ["a.example", "b.example"].map((name) => resolver.resolve(name, signal));
  const c = resolver.resolve("c.example", impatient.signal);
  const d = resolver.resolve("d.example", signal);
  await Promise.all(began.slice(0, 2).map(async ({ promise }) => await promise));
  expect(asked).toEqual(["a.example", "b.example"]);
  impatient.abort(new Error("no longer"));
  await expect(c).rejects.toThrow("no longer");
  waiting[0]?.resolve(["10.0.0.1"]);
  await expect(a).resolves.toEqual(["10.0.0.1"]);
  await began[2]?.promise;
  expect(asked).toEqual(["a.example", "b.example", "d.example"]);
  waiting[1]?.resolve(["10.0.0.2"]);
  waiting[2]?.resolve(["10.0.0.4"]);
  await expect(Promise.all([b, d])).resolves.toEqual([["10.0.0.2"], ["10.0.0.4"]]);
});
