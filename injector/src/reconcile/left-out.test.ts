import { expect, test } from "vitest";
import { rules } from "../admission/decide.ts";
import { isWish, leftOutCodeOf, leftOutCodes } from "./left-out.ts";

test("the codes are those of the rules that skip a pod for its own sake", () => {
  const codes = rules.flatMap(({ when, verdict }) =>
    verdict.kind === "skip" && when.namespace === undefined ? [verdict.reason] : [],
  );
  expect([...leftOutCodes]).toEqual([...new Set(codes)]);
});

test.each([
  { code: "never_selected", known: true, wish: true },
  { code: "opted_out", known: true, wish: true },
  { code: "host_network", known: true, wish: false },
  { code: "windows", known: true, wish: false },
  { code: "namespace_not_labelled", known: false, wish: null },
  { code: "namespace_ignored", known: false, wish: null },
  { code: "injector_namespace", known: false, wish: null },
  { code: "other_revision", known: false, wish: null },
] as const)("$code: left out $known, wished $wish", ({ code, known, wish }) => {
  const found = leftOutCodeOf(code);
  expect(found).toBe(known ? code : null);
  expect(found === null ? null : isWish(found)).toBe(wish);
});
