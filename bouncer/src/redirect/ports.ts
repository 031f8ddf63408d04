/** Sets of TCP ports: from text, and to as few matches of iptables as they fit in. Pure. */
import * as v from "valibot";

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `8000` or `8000-8010`. */
const portRange = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}(?:-\d{1,5})?$/),
  v.transform((text): PortRange => {
    const [first = 0, last = first] = text.split("-").map(Number);
    return { first, last };
  }),
  v.check(({ first, last }) => first >= 1 && first <= last && last <= 65_535),
);

export const portRanges = v.pipe(
  v.string(),
  v.transform((text) => (text === "" ? [] : text.split(",").map((item) => item.trim()))),
  v.array(portRange),
);

export function toRange(port: number): PortRange {
  return { first: port, last: port };
}

export function formatRange({ first, last }: PortRange, separator: ":" | "-"): string {
  return first === last ? String(first) : `${first}${separator}${last}`;
}

export function isAmong(port: number, ranges: readonly PortRange[]): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** In order, and what overlaps or adjoins made one. */
function merge(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1) merged.push(range);
    else merged.splice(-1, 1, { first: before.first, last: Math.max(before.last, range.last) });
  }
  return merged;
}

/** `multiport` takes 15 ports a rule, of which a range is two. */
const multiportLimit = 15;

export function matchPorts(ranges: readonly PortRange[]): readonly string[] {
  const chunks: PortRange[][] = [];
  let room = 0;
  for (const range of merge(ranges)) {
    const size = range.first === range.last ? 1 : 2;
    if (size > room) {
      chunks.push([]);
      room = multiportLimit;
    }
    chunks.at(-1)?.push(range);
    room -= size;
  }
  return chunks.map((chunk) => {
    const match = chunk.length === 1 ? "-m tcp --dport" : "-m multiport --dports";
    return `-p tcp ${match} ${chunk.map((range) => formatRange(range, ":")).join(",")}`;
  });
}
