/** Which calls are one and the same within a query. Pure. */
import type { Call } from "../builtin.ts";
import { keyOf, RegoObject } from "../value.ts";
import { withoutIgnoredHeaders } from "./ignored-headers.ts";

/** Equal for calls that are made once in a query, however often they are written there. */
export function keyOfCall({ name, operands }: Call): string {
  const [operand] = operands;
  const isHttp = name === "http.send" && operand instanceof RegoObject;
  return `${name} ${keyOf(isHttp ? [withoutIgnoredHeaders(operand)] : operands)}`;
}
