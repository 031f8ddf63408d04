/** `regex.globs_match`: is there a text that both patterns match? Pure. */
import { type Builtin, BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { overlaps, parseGlob, type Token } from "../text/glob-tokens.ts";

type Globs = readonly [readonly Token[], readonly Token[]];

/** Pairs of places, one in each pattern, that are looked at. */
const maxPairs = 1_000_000;

/** Each may go one step deeper. */
const maxRepeated = 1000;

/**
 * Not quite the intersection of two languages: OPA's way of looking for it, which gives up early in
 * some cases, gives these answers. Each pair of places is looked at once, where OPA's takes
 * exponential time.
 */
class Search {
  readonly #globs: Globs;
  readonly #query: Query;
  readonly #known = new Map<number, boolean>();

  constructor(globs: Globs, query: Query) {
    this.#globs = globs;
    this.#query = query;
  }

  #token(side: Side, at: number): Token | undefined {
    return this.#globs[side][at];
  }

  /** Both from here on; of two repeated tokens, that of `places.side` is looked at first. */
  matches({ side, at, other }: Places): boolean {
    let [mine, its] = [at, other];
    for (;;) {
      const [a, b] = [this.#token(side, mine), this.#token(flip(side), its)];
      if (a === undefined || b === undefined) return a === b;
      if (a.flag !== "") return this.#repeated({ side, at: mine, other: its });
      if (b.flag !== "") return this.#repeated({ side: flip(side), at: its, other: mine });
      if (!overlaps(a, b)) return false;
      mine += 1;
      its += 1;
    }
  }

  #repeated(places: Places): boolean {
    const { side, at, other } = places;
    const key = (at * (this.#globs[flip(side)].length + 1) + other) * 2 + side;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#query.checkTime();
    const answer = this.#token(side, at)?.flag === "+" ? this.#plus(places) : this.#star(places);
    this.#known.set(key, answer);
    return answer;
  }

  #plus({ side, at, other }: Places): boolean {
    const [repeated, token] = [this.#token(side, at), this.#token(flip(side), other)];
    if (repeated === undefined || token === undefined || !overlaps(repeated, token)) return false;
    if (this.#star({ side, at, other: other + 1 })) return true;
    return token.flag !== "" && this.matches({ side, at: at + 1, other });
  }

  /** Takes the other pattern's tokens until what follows here goes together with the rest. */
  #star({ side, at, other }: Places): boolean {
    const [repeated, next] = [this.#token(side, at), this.#token(side, at + 1)];
    const rest = this.#globs[flip(side)];
    for (let its = other; its < rest.length; its += 1) {
      this.#query.checkTime();
      const token = rest[its];
      if (repeated === undefined || token === undefined) return false;
      if (next !== undefined && overlaps(token, next)) {
        if (this.matches({ side, at: at + 1, other: its })) return true;
      }
      if (!overlaps(token, repeated)) return false;
    }
    return next === undefined;
  }
}

type Side = 0 | 1;

function flip(side: Side): Side {
  return side === 0 ? 1 : 0;
}

/** A place in the pattern of that side, and one in the other pattern. */
interface Places {
  readonly side: Side;
  readonly at: number;
  readonly other: number;
}

/** Without what is plain and goes together at both ends, all but one of it; null: it does not. */
function trim([one, other]: Globs): Globs | null {
  const length = Math.min(one.length, other.length);
  const start = countAlike(length, (at) => [one[at], other[at]]);
  if (start === null) return null;
  const kept = Math.max(start - 1, 0);
  const end = countAlike(length - kept, (at) => [one.at(-1 - at), other.at(-1 - at)]);
  if (end === null) return null;
  const cut = Math.max(end - 1, 0);
  return [one.slice(kept, one.length - cut), other.slice(kept, other.length - cut)];
}

type Pair = readonly [Token | undefined, Token | undefined];

/** How many pairs there are until one is repeated; null: two do not go together. */
function countAlike(length: number, take: (at: number) => Pair): number | null {
  for (let at = 0; at < length; at += 1) {
    const [one, other] = take(at);
    if (one === undefined || other === undefined || one.flag !== "" || other.flag !== "") return at;
    if (!overlaps(one, other)) return null;
  }
  return length;
}

function check([one, other]: Globs): void {
  const repeated = [...one, ...other].filter((token) => token.flag !== "").length;
  if (repeated === 0) return;
  if (repeated > maxRepeated || one.length * other.length > maxPairs) {
    throw new BuiltinError("the patterns are too long");
  }
}

const globsMatch: Builtin = (operands, query) => {
  const globs = trim([parseGlob(operands.string(0)), parseGlob(operands.string(1))]);
  if (globs === null) return false;
  check(globs);
  return new Search(globs, query).matches({ side: 0, at: 0, other: 0 });
};

export const builtins: Builtins = { "regex.globs_match": globsMatch };
