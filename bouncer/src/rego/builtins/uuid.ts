/** `uuid.*`. */
import type { Builtins } from "../builtin.ts";
import { describeUuid, parseUuid, printRandomUuid } from "../uuid.ts";
import { keyOf } from "../value.ts";

export const builtins: Builtins = {
  "uuid.parse": (operands) => {
    const uuid = parseUuid(operands.string(0));
    return uuid === null ? undefined : describeUuid(uuid);
  },
  // The same key has the same UUID as long as one query lasts.
  "uuid.rfc4122": (operands, query) => {
    const key = `uuid.rfc4122 ${keyOf(operands.value(0))}`;
    const known = query.memory.get(key);
    if (known !== undefined) return known;
    const made = printRandomUuid(query.random(16));
    query.memory.set(key, made);
    return made;
  },
};
