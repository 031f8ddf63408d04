/**
 * `trace`, and what `print` is compiled to when a bundle is built with `--wasm-include-print`: for
 * whoever debugs a policy with opa. A decision is the same without them, so they say nothing here.
 * Pure.
 */
import type { Builtins } from "../builtin.ts";

export const builtins: Builtins = {
  "internal.print": (operands) => operands.array(0).length >= 0,
  trace: (operands) => operands.string(0).length >= 0,
};
