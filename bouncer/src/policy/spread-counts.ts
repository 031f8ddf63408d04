/** What threads have counted, together. Pure. */
import { addStats } from "./cache.ts";
import { addCounts } from "./rulings.ts";
import type { SpreadCounts } from "./spread.ts";

export const noSpreadCounts: SpreadCounts = {
  decisions: 0,
  refused: 0,
  timeouts: 0,
  revivals: 0,
  cache: { hits: 0, misses: 0, entries: 0 },
};

export function addSpreadCounts(one: SpreadCounts, other: SpreadCounts): SpreadCounts {
  return {
    ...addCounts(one, other),
    revivals: one.revivals + other.revivals,
    cache: addStats(one.cache, other.cache),
  };
}
