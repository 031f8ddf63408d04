import { expect, test } from "vitest";
import { idleLoad, loads } from "./loads.ts";
import { createTargets } from "./targets.ts";

const targets = createTargets("main.mjs").map(({ name }) => name);

test("names of loads and of targets are unique", () => {
  const names = loads.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(targets).size).toBe(targets.length);
});

test.each([...loads, idleLoad])("$name is for targets that are there", (load) => {
  expect(load.targets.filter((name) => !targets.includes(name))).toEqual([]);
});
