/** Rego values as OPA shows them to people: `{"a": 1}`, `[1, 2]`, strings in Go's quotes. Pure. */
import { RegoNumber } from "../number.ts";
import { isArray, RegoObject, RegoSet, type Value } from "../value.ts";
import { quote } from "./quote.ts";

export function display(value: Value): string {
  if (typeof value === "string") return quote(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof RegoNumber) return value.text;
  if (value instanceof RegoSet) {
    return value.size === 0 ? "set()" : `{${value.sorted().map(display).join(", ")}}`;
  }
  if (value instanceof RegoObject) {
    const members = value.sorted().map(([key, member]) => `${display(key)}: ${display(member)}`);
    return `{${members.join(", ")}}`;
  }
  return isArray(value) ? `[${value.map(display).join(", ")}]` : "";
}
