/**
 * When V8 optimizes code. What runs at start does not run again: to make it fast takes time that
 * somebody waits for, and the compilers bring six megabytes of Node's program into memory that an
 * idle sidecar does not need.
 */
import { setFlagsFromString } from "node:v8";

/** After so many calls; those of V8 13.6, in Node 24. */
const usual = {
  "invocation-count-for-maglev": 400,
  "invocation-count-for-maglev-osr": 100,
  "invocation-count-for-turbofan": 3000,
  "invocation-count-for-osr": 500,
} as const;
const never = 1_000_000;

/** Before anything else is loaded. */
export function delayOptimization(): void {
  for (const name of Object.keys(usual)) setFlagsFromString(`--${name}=${never}`);
}

/** As soon as requests may come. */
export function allowOptimization(): void {
  for (const [name, count] of Object.entries(usual)) setFlagsFromString(`--${name}=${count}`);
}
