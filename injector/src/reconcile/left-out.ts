/** Why a pod has no bouncer although its namespace has asked for them. Pure. */
import type { SkipCode } from "../admission/reasons.ts";

/** The skips that are about the pod rather than its namespace. */
export const leftOutCodes = [
  "never_selected",
  "opted_out",
  "host_network",
  "windows",
] as const satisfies readonly SkipCode[];
export type LeftOutCode = (typeof leftOutCodes)[number];

/** Null: the whole namespace is left out. */
export function leftOutCodeOf(code: SkipCode): LeftOutCode | null {
  return leftOutCodes.find((one) => one === code) ?? null;
}

/** The others follow from what the pod is, and whoever wrote it may not know. */
export function isWish(code: LeftOutCode): boolean {
  return code === "never_selected" || code === "opted_out";
}
