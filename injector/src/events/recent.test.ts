import { expect, test } from "vitest";
import { createRecent } from "./recent.ts";

test("a key counts as seen for the window, from when it was first seen", () => {
  const recent = createRecent(100, 10);
  expect(recent.see("a", 0)).toBe(false);
  expect(recent.see("a", 99)).toBe(true);
  expect(recent.see("a", 100)).toBe(false);
  expect(recent.see("a", 199)).toBe(true);
});

test("the oldest is forgotten when there are too many", () => {
  const recent = createRecent(100, 2);
  for (const key of ["a", "b", "c"]) expect(recent.see(key, 0)).toBe(false);
  expect(recent.see("c", 1)).toBe(true);
  expect(recent.see("b", 1)).toBe(true);
  expect(recent.see("a", 1)).toBe(false);
});
