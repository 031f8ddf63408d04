/** OPA's cases as compile/ leaves them: a folder for each set, and in it a line for each case. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";

export const setNames = ["v1", "v0", "wasm"] as const;
export type SetName = (typeof setNames)[number];

const record = v.strictObject({
  group: v.string(),
  note: v.string(),
  query: v.string(),
  modules: v.optional(v.array(v.string()), []),
  /** File in the folder of the set. */
  wasm: v.optional(v.string()),
  /** Why OPA did not compile it. */
  refusal: v.optional(v.string()),
  /** JSON text. */
  data: v.string(),
  /** Rego text. */
  input: v.optional(v.string()),
  wantDefined: v.optional(v.boolean()),
  /** JSON text of all bindings. */
  wantResult: v.optional(v.string()),
  wantCode: v.optional(v.string()),
  wantError: v.optional(v.string()),
  /** Arrays among the bindings are sets that JSON could not write. */
  sortBindings: v.optional(v.boolean(), false),
  ignoreGenerated: v.optional(v.boolean(), false),
  /** The error is one only where built-ins are strict, which they are not in Wasm. */
  strictError: v.optional(v.boolean(), false),
});

export type Case = Readonly<v.InferOutput<typeof record>> & { readonly set: SetName };

export function readCases(folder: string, set: SetName): readonly Case[] {
  const lines = readFileSync(join(folder, set, "cases.ndjson"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => ({ set, ...v.parse(record, JSON.parse(line)) }));
}

export function readWasm(folder: string, { set, wasm = "" }: Case): Uint8Array {
  return readFileSync(join(folder, set, wasm));
}
