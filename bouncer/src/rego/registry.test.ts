import { expect, test } from "vitest";
import { groups } from "./registry.ts";

test.each(groups.map((group) => [group.names.join(" "), group] as const))(
  "the file of %s has these and no others",
  async (_names, group) => {
    const { builtins } = await group.load();
    expect(Object.keys(builtins).toSorted()).toEqual([...group.names].toSorted());
  },
);

test("no name is in two groups", () => {
  const names = groups.flatMap((group) => group.names);
  expect(names).toEqual([...new Set(names)]);
});
