/** `opa.runtime`, which has nothing to tell here. */
import type { Builtins } from "../builtin.ts";
import { RegoObject } from "../value.ts";

export const builtins: Builtins = {
  /**
   * The empty object, as in OPA where it runs without a configuration of its own. Nothing of the
   * bouncer's environment and configuration is for policies: they decide by input and data.
   */
  "opa.runtime": () => new RegoObject(),
};
