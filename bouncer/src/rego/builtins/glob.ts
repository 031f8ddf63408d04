/** `glob.quote_meta`. Pure. */
import type { Builtins } from "../builtin.ts";

export const builtins: Builtins = {
  "glob.quote_meta": (operands) => operands.string(0).replace(/[*?\\[\]{}]/g, "\\$&"),
};
