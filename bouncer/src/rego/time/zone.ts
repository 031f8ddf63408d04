/**
 * One time zone: what its clocks showed, by the second, and what they will show. Pure.
 */
import { applyRule, type Kind, parseRule, type Period, type PosixRule } from "./posix-rule.ts";

interface ZoneKind extends Kind {
  readonly isSummer: boolean;
}

interface Description {
  readonly kinds: readonly ZoneKind[];
  /** Seconds since the epoch, ascending. */
  readonly transitions: readonly number[];
  /** Of each transition, the kind that begins with it. */
  readonly indexes: readonly number[];
  readonly rule: PosixRule | null;
}

const universal: ZoneKind = { name: "UTC", offset: 0, isSummer: false };

export class Zone {
  static readonly utc = new Zone({ kinds: [universal], transitions: [], indexes: [], rule: null });
  readonly #is: Description;

  private constructor(description: Description) {
    this.#is = description;
  }

  /**
   * `LMT:2hs CET:2s0 CEST:5k0*|-2qwpj 1x|12|CET-1CEST,M3.5.0,M10.5.0/3`: kinds of time, seconds
   * from transition to transition, kinds that begin with them, rule; numbers to base 36.
   */
  static parse(text: string): Zone {
    const [kinds = "", transitions = "", indexes = "", rule = ""] = text.split("|");
    let at = 0;
    return new Zone({
      kinds: kinds.split(" ").map(parseKind),
      transitions: transitions
        .split(" ")
        .filter((step) => step !== "")
        .map((step) => (at += Number.parseInt(step, 36))),
      indexes: Array.from(indexes, (digit) => Number.parseInt(digit, 36)),
      rule: rule === "" ? null : parseRule(rule),
    });
  }

  lookup(seconds: number): Period {
    const { transitions, indexes, kinds, rule } = this.#is;
    const at = countUntil(transitions, seconds) - 1;
    const end = transitions[at + 1] ?? Infinity;
    if (at < 0 && (transitions.length > 0 || rule === null)) {
      return { ...this.#first(), start: -Infinity, end };
    }
    const start = transitions[at] ?? -Infinity;
    if (end === Infinity && rule !== null) return applyRule(rule, start, seconds);
    return { ...(kinds[indexes[at] ?? 0] ?? universal), start, end };
  }

  /**
   * Seconds since the epoch when the zone's clocks show what UTC's show at `local`. What they skip
   * or show twice is resolved as in Go: by the offset that holds at `local` itself, taken as UTC,
   * or, when that does not hold at the result, by the one that does.
   */
  fromLocal(local: number): number {
    const period = this.lookup(local);
    const utc = local - period.offset;
    const isInside = utc >= period.start && utc < period.end;
    return isInside ? utc : local - this.lookup(utc).offset;
  }

  /** What a zone's files say of the time before their first transition, as tzcode reads them. */
  #first(): ZoneKind {
    const { kinds, indexes } = this.#is;
    const [first] = kinds;
    if (!indexes.includes(0)) return first ?? universal;
    const before = kinds.slice(0, indexes[0]).findLast((kind) => !kind.isSummer);
    const isSummer = kinds[indexes[0] ?? 0]?.isSummer ?? false;
    if (isSummer && before !== undefined) return before;
    return kinds.find((kind) => !kind.isSummer) ?? first ?? universal;
  }
}

function parseKind(text: string): ZoneKind {
  const at = text.lastIndexOf(":");
  const offset = text.slice(at + 1);
  return {
    name: text.slice(0, at),
    offset: Number.parseInt(offset, 36),
    isSummer: offset.endsWith("*"),
  };
}

/** How many of the ascending numbers are not above `limit`. */
function countUntil(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((numbers[middle] ?? Infinity) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
