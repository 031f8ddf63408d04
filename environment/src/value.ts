/** Schemas of values that more than one program reads: text in, typed value out. Pure. */
import * as v from "valibot";

export const text = v.string();

export const flag = v.pipe(
  v.picklist(["true", "false"]),
  v.transform((value) => value === "true"),
);

export function integer(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,12}$/),
    v.transform(Number),
    v.minValue(least),
    v.maxValue(most),
  );
}
