/** The replacement of a regular expression, as Go expands it: `$1`, `$name`, `${name}`, `$$`. Pure. */

/** A text, or the number of a group. */
export type Part = string | number;

const reference = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

/** `names`: groups by their names. A name takes all letters it can: `$1x` is the group `1x`. */
export function parseReplacement(
  text: string,
  names: Readonly<Record<string, number>>,
): readonly Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const found of text.matchAll(reference)) {
    parts.push(text.slice(from, found.index));
    const name = found[1] ?? found[2];
    parts.push(name === undefined ? "$" : toGroup(name, names));
    from = found.index + found[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** What no group has is the empty text. */
function toGroup(name: string, names: Readonly<Record<string, number>>): Part {
  if (/^(?:0|[1-9]\d{0,8})$/.test(name)) return Number(name);
  return Object.hasOwn(names, name) ? (names[name] ?? "") : "";
}

export function expand(parts: readonly Part[], take: (group: number) => string): string {
  return parts.map((part) => (typeof part === "number" ? take(part) : part)).join("");
}
