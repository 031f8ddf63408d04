/** Pieces of the settings' schema, whose messages complete "is not ...". Pure. */
import * as v from "valibot";

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object that refuses unknown keys. valibot stops at the first, so the message names them all. */
export function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries);
  const accepted = `an object with ${known.join(", ")}`;
  const schema = v.strictObject(entries, (issue) => {
    const input = issue.path?.at(-1)?.input;
    if (issue.expected !== "never" || !isObject(input)) return accepted;
    const unknown = Object.keys(input).filter((key) => !known.includes(key));
    return `unknown ${unknown.join(", ")}; accepted are ${known.join(", ")}`;
  });
  return v.pipe(v.unknown(), v.check(isObject, accepted), schema);
}

export const described = <
  const Schema extends v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>,
>(
  text: string,
  schema: Schema,
) => v.pipe(schema, v.description(text));

export const text = (accepted: string) => v.pipe(v.string(accepted), v.nonEmpty(accepted));

export const matching = (pattern: RegExp, accepted: string) =>
  v.pipe(v.string(accepted), v.regex(pattern, accepted));

export const wholeNumber = (min: number, max: number) => {
  const accepted = `a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(accepted),
    v.integer(accepted),
    v.minValue(min, accepted),
    v.maxValue(max, accepted),
  );
};
