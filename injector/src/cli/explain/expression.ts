/**
 * Match conditions in CEL, evaluated as the API server does (KEP-3716) as far as that can be done
 * here. What cannot be, is said to be so: nothing is ever guessed. Pure.
 */
import { Environment } from "@marcbachmann/cel-js";
import { messageOf } from "../../errors.ts";

export type Evaluated =
  | { readonly kind: "value"; readonly value: boolean }
  /** It failed, or asks for what is not known here: who the user is, or what that one may do. */
  | { readonly kind: "failed"; readonly problem: string };

export interface Variables {
  readonly object: unknown;
  readonly request: unknown;
}

/** `authorizer` is not declared: who is authorized for what, only the API server knows. */
const environment = new Environment({ enableOptionalTypes: true })
  .registerVariable("object", "dyn")
  .registerVariable("oldObject", "dyn")
  .registerVariable("request", "dyn");

export function evaluate(expression: string, { object, request }: Variables): Evaluated {
  try {
    const value: unknown = environment.evaluate(expression, {
      object: toCel(object),
      oldObject: null,
      request: toCel(request),
    });
    if (typeof value === "boolean") return { kind: "value", value };
    return { kind: "failed", problem: `it is a ${typeof value}, not true or false` };
  } catch (error) {
    return { kind: "failed", problem: messageOf(error).split("\n")[0] ?? "" };
  }
}

/** Whole numbers are CEL's int; a field that is null is not there, as in the API server. */
function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, toCel(item)]));
}
