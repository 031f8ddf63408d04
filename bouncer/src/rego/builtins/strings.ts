/** `strings.*` that the Wasm module does not have, and `indexof_n`. Pure. */
import { type Builtin, BuiltinError, type Builtins } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { takeInt64 } from "../text/int64.ts";
import { countCodePoints } from "../text/utf8.ts";

function startsWithAny(texts: readonly string[], prefixes: readonly string[]): boolean {
  const [text, prefix] = [texts[0], prefixes[0]];
  if (text === undefined || prefix === undefined) return false;
  if (texts.length === 1) return prefixes.some((candidate) => text.startsWith(candidate));
  if (prefixes.length === 1) return texts.some((candidate) => candidate.startsWith(prefix));
  return startsWithAnySorted(texts.toSorted(byUnits), prefixes);
}

/** What begins with a prefix stands together, from the prefix on: many of both take n log n. */
function startsWithAnySorted(sorted: readonly string[], prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] ?? "") < prefix) low = middle + 1;
      else high = middle;
    }
    return sorted[low]?.startsWith(prefix) === true;
  });
}

function byUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Halves of surrogate pairs are turned round as well: the result is only compared with others. */
function reverse(text: string): string {
  return text.split("").toReversed().join("");
}

const anyPrefixMatch: Builtin = (operands) =>
  startsWithAny(operands.strings(0), operands.strings(1));

const anySuffixMatch: Builtin = (operands) =>
  startsWithAny(operands.strings(0).map(reverse), operands.strings(1).map(reverse));

const count: Builtin = (operands) => {
  const [text, search] = [operands.string(0), operands.string(1)];
  if (search === "") return RegoNumber.of(countCodePoints(text) + 1);
  return RegoNumber.of(text.split(search).length - 1);
};

/** At each place where it begins, even inside of the one before; places count characters. */
const indexOfN: Builtin = (operands, query) => {
  const [text, search] = [operands.string(0), operands.string(1)];
  if (search === "") throw new BuiltinError("operand 2 must not be empty");
  const found: RegoNumber[] = [];
  let [from, characters] = [0, 0];
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + 1)) {
    query.checkTime();
    characters += countCodePoints(text.slice(from, at));
    from = at;
    found.push(RegoNumber.of(characters));
  }
  return found;
};

const splitN: Builtin = (operands) => {
  const [text, delimiter, limit] = [operands.string(0), operands.string(1), takeInt64(operands, 2)];
  const parts = delimiter === "" ? Array.from(text) : text.split(delimiter);
  return limit >= 0 ? parts.slice(0, limit) : parts.slice(Math.max(parts.length + limit, 0));
};

export const builtins: Builtins = {
  indexof_n: indexOfN,
  "strings.any_prefix_match": anyPrefixMatch,
  "strings.any_suffix_match": anySuffixMatch,
  "strings.count": count,
  "strings.split_n": splitN,
};
