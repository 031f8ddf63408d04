/** `net.lookup_ip_addr`: the addresses of a name, which come from the query. */
import type { Builtins } from "../builtin.ts";

export const builtins: Builtins = {
  "net.lookup_ip_addr": (operands, query) =>
    query.answer({ name: "net.lookup_ip_addr", operands: [operands.string(0)] }),
};
