import { expect, test } from "vitest";
import { Board } from "./board.ts";

test("two sides of one memory see the same", () => {
  const main = new Board(3);
  const other = new Board(3, main.memory);
  main.setDeciding({ current: 7, candidate: 8, isEnforced: true });
  expect([other.current, other.candidate]).toEqual([7, 8]);
  // Whoever still has another candidate at hand does not enforce it.
  expect([7, 8, 9].map((set) => other.isEnforced(set))).toEqual([false, true, false]);
  main.setDeciding({ current: 8, candidate: 0, isEnforced: false });
  expect([other.current, other.candidate, other.isEnforced(8)]).toEqual([8, 0, false]);
  main.setUnderWay(0, 2);
  other.setUnderWay(2, 5);
  expect([main.countUnderWay(), other.countUnderWay()]).toEqual([7, 7]);
  other.setHeld(2, 4);
  expect([main.countHeld(1), main.countHeld(2)]).toEqual([0, 4]);
  expect(other.isDraining).toBe(false);
  main.setDraining();
  expect(other.isDraining).toBe(true);
});
