/** What is wrong with a document, in the words that policies written for OPA look for. Pure. */
import { RegoNumber } from "../../number.ts";
import { RegoObject, type Value } from "../../value.ts";

/** The path to a value, from the root; `null` is the root. */
export interface Place {
  readonly key: string;
  readonly parent: Place | null;
}

function printPlace(place: Place | null): string {
  if (place === null) return "(Root)";
  return place.parent === null ? place.key : `${printPlace(place.parent)}.${place.key}`;
}

export interface Problem {
  readonly type: string;
  readonly place: Place | null;
  readonly text: string;
}

/** `%` in the text stands for the field. */
export function printProblem({ type, place, text }: Problem): Value {
  const field = printPlace(place);
  const desc = text.replace("%", () => field);
  return RegoObject.of({ error: `${field}: ${desc}`, type, field, desc });
}

/** Ten digits, as Go prints numbers of arbitrary precision. */
export function printBound(bound: RegoNumber): string {
  const { negative, digits, exponent } = bound.decimal();
  if (digits === "") return "0";
  const rounded = RegoNumber.parse(Number(`${digits.slice(0, 1)}.${digits.slice(1)}0`).toFixed(9));
  const { digits: kept, exponent: shift } = rounded?.decimal() ?? { digits: "", exponent: 0 };
  const point = exponent + digits.length + shift + kept.length - 1;
  const sign = negative ? "-" : "";
  if (point < -4 || point >= 10) {
    const fraction = kept.length > 1 ? `.${kept.slice(1)}` : "";
    const size = String(Math.abs(point)).padStart(2, "0");
    return `${sign}${kept.slice(0, 1)}${fraction}e${point < 0 ? "-" : "+"}${size}`;
  }
  if (point < 0) return `${sign}0.${"0".repeat(-point - 1)}${kept}`;
  const whole = kept.slice(0, point + 1).padEnd(point + 1, "0");
  const fraction = kept.slice(point + 1);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
