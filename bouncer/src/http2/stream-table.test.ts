import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { expect, test } from "vitest";
import { StreamTable } from "./stream-table.ts";

const steps = array(
  record({ kind: constantFrom("add", "delete"), number: integer({ min: 1, max: 60 }) }),
  { maxLength: 200 },
);

const sorted = (names: Iterable<string>): readonly string[] => [...names].toSorted();

test("it holds what a Map would hold", () => {
  assert(
    property(steps, (taken) => {
      const table = new StreamTable<string>();
      const model = new Map<number, string>();
      for (const { kind, number } of taken) {
        const isThere = table.get(number) !== undefined;
        expect(isThere).toBe(model.has(number));
        const wasDeleted = kind === "delete" && table.delete(number);
        expect(wasDeleted).toBe(kind === "delete" && model.delete(number));
        if (kind === "add" && !isThere) {
          table.add(number, `stream ${number}`);
          model.set(number, `stream ${number}`);
        }
        expect(table.get(number)).toBe(model.get(number));
        expect(table.size).toBe(model.size);
      }
      expect(sorted(table.values())).toEqual(sorted(model.values()));
      table.clear();
      expect([table.size, ...table.values()]).toEqual([0]);
    }),
  );
});

test("streams that are deleted while all are visited do not come any more", () => {
  const table = new StreamTable<number>();
  const numbers = [1, 3, 5];
  for (const number of numbers) table.add(number, number);
  const seen: number[] = [];
  for (const number of table.values()) {
    seen.push(number);
    for (const other of numbers) table.delete(other);
  }
  expect(seen).toHaveLength(1);
});
