/** What the sets that decide need of the data path: the more of what the two of them need. Pure. */
import type { PolicyNeeds } from "./decision.ts";
import type { LoadedSet } from "./loaded.ts";

type NeedingSets = readonly [LoadedSet | undefined, LoadedSet | undefined];

/** Asked for each request, and the same from one switch of the sets to the next. */
export function createNeeds(sets: () => NeedingSets): () => PolicyNeeds {
  let of: NeedingSets = [undefined, undefined];
  let needs: PolicyNeeds = { bodyBytes: 0, sni: false };
  return () => {
    const now = sets();
    if (now[0] === of[0] && now[1] === of[1]) return needs;
    of = now;
    const plans = now.flatMap((set) => (set === undefined ? [] : [set.plan]));
    needs = {
      bodyBytes: Math.max(0, ...plans.map((plan) => plan.bodyBytes)),
      sni: plans.some((plan) => plan.readsSni),
    };
    return needs;
  };
}
