/** Layouts of Go's package time: an example of the time, written as Go's reference time is. Pure. */

export type Piece =
  | { readonly kind: "literal"; readonly text: string }
  /** A part of the time, named by how it stands in the layout: `2006`, `Jan`, `.000`. */
  | { readonly kind: "element"; readonly text: string };

const layouts: ReadonlyMap<string, string> = new Map([
  ["ANSIC", "Mon Jan _2 15:04:05 2006"],
  ["UnixDate", "Mon Jan _2 15:04:05 MST 2006"],
  ["RubyDate", "Mon Jan 02 15:04:05 -0700 2006"],
  ["RFC822", "02 Jan 06 15:04 MST"],
  ["RFC822Z", "02 Jan 06 15:04 -0700"],
  ["RFC850", "Monday, 02-Jan-06 15:04:05 MST"],
  ["RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"],
  ["RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"],
  ["RFC3339", "2006-01-02T15:04:05Z07:00"],
  ["RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"],
]);

// `Month` is no Mon, `_2006` a literal and a year; a fraction ends where the digits end.
const element = new RegExp(
  [
    "January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm",
    "-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07",
    String.raw`[.,](?:0+|9+)(?!\d)`,
  ].join("|"),
  "g",
);

/** `layout` may be the name of one: `RFC1123`. */
export function parseLayout(layout: string): readonly Piece[] {
  const text = layouts.get(layout) ?? layout;
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(element)) {
    if (found.index > at) pieces.push({ kind: "literal", text: text.slice(at, found.index) });
    pieces.push({ kind: "element", text: found[0] });
    at = found.index + found[0].length;
  }
  if (at < text.length) pieces.push({ kind: "literal", text: text.slice(at) });
  return pieces;
}

export const monthNames = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

export const dayNames = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
] as const;
