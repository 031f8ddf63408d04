import { expect, test } from "vitest";
import {
  createCachedCheck,
  parseBearer,
  type Authentication,
  type CheckToken,
} from "./authenticate.ts";

const accepted: Authentication = { kind: "identity", identity: { subject: "s", pod: null } };
const refused: Authentication = { kind: "refusal", code: "token_refused" };
const unavailable: Authentication = { kind: "refusal", code: "authenticator_unavailable" };

test.each([
  ["Bearer abc.def-_~+/==", "abc.def-_~+/=="],
  ["bearer  abc ", "abc"],
  ["Bearer", null],
  ["Bearer a b", null],
  ["Bearer a,b", null],
  ["Basic abc", null],
  ["", null],
  [undefined, null],
  [`Bearer ${"a".repeat(9000)}`, null],
])("token in %j", (header, token) => {
  expect(parseBearer(header)).toBe(token);
});

function createCheck(answers: Readonly<Record<string, Authentication>>) {
  const asked: string[] = [];
  let ms = 0;
  const check: CheckToken = async (token) => {
    asked.push(token);
    return answers[token] ?? refused;
  };
  const cached = createCachedCheck({
    check,
    now: () => ms,
    positiveTtlMs: 100,
    negativeTtlMs: 10,
    maxEntries: 2,
    maxInFlight: 1,
    maxWaiting: 1,
  });
  const elapse = (elapsedMs: number): void => {
    ms += elapsedMs;
  };
  return { check: cached, asked, elapse };
}

test.each([
  ["accepted", accepted, 99, 1],
  ["accepted", accepted, 100, 2],
  ["refused", refused, 9, 1],
  ["refused", refused, 10, 2],
  ["unavailable", unavailable, 0, 2],
])("an answer %s is asked for again after %#: %j", async (_name, answer, elapsedMs, times) => {
  const { check, asked, elapse } = createCheck({ t: answer });
  expect(await check("t")).toEqual(answer);
  elapse(elapsedMs);
  expect(await check("t")).toEqual(answer);
  expect(asked).toHaveLength(times);
});

test("callers with the same token share one check", async () => {
  const { check, asked } = createCheck({ t: accepted });
  expect(await Promise.all([check("t"), check("t"), check("t")])).toEqual([
    accepted,
    accepted,
    accepted,
  ]);
  expect(asked).toEqual(["t"]);
});

test("checks at once are bounded", async () => {
  const { check, asked } = createCheck({ a: accepted, b: accepted, c: accepted });
  const [, , third] = await Promise.all([check("a"), check("b"), check("c")]);
  expect(third).toEqual({ kind: "refusal", code: "authenticator_busy" });
  expect(asked).toEqual(["a", "b"]);
  expect(await check("c")).toEqual(accepted);
});

test("what is kept is bounded, oldest first out", async () => {
  const { check, asked } = createCheck({ a: accepted, b: accepted, c: accepted });
  for (const token of ["a", "b", "c", "c", "b", "a"]) await check(token);
  expect(asked).toEqual(["a", "b", "c", "a"]);
});
