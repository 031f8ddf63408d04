/** Networks put together where they touch or overlap: the fewest that have the same addresses. Pure. */
import {
  createNetwork,
  isIpv4,
  lastAddress,
  type Network,
  parseAddress,
  parseNetwork,
  printNetwork,
  printWithPrefix,
} from "./address.ts";

interface Range {
  readonly first: bigint;
  readonly last: bigint;
  /** How it was given, null when it is the sum of several. */
  readonly text: string | null;
}

/** As an element of `net.cidr_merge`; null for a text that is none. */
export function parseRange(text: string): Range | null {
  const address = parseAddress(text);
  const network = address === null ? parseNetwork(text) : classNetwork(address);
  if (network === null) return null;
  const printed =
    address === null ? printNetwork(network) : printWithPrefix(address, network.prefix);
  return { first: network.first, last: lastAddress(network), text: printed };
}

/** Of an address without a prefix, OPA takes the network of its class, as before CIDR. */
function classNetwork(address: bigint): Network | null {
  if (!isIpv4(address)) return null;
  const byte = (address >> 24n) & 0xffn;
  return createNetwork(address, 96 + (byte < 0x80n ? 8 : byte < 0xc0n ? 16 : 24));
}

/** Texts of the networks; one that touches no other is as it was given. */
export function mergeRanges(ranges: readonly Range[]): readonly string[] {
  const sorted = ranges.toSorted((a, b) => order(a.last, b.last) || order(a.first, b.first));
  const merged: Range[] = [];
  let current: Range | undefined;
  for (const range of sorted.toReversed()) {
    if (current !== undefined && isTouching(range, current)) {
      const first = range.first < current.first ? range.first : current.first;
      current = { first, last: current.last, text: null };
    } else {
      if (current !== undefined) merged.push(current);
      current = range;
    }
  }
  if (current !== undefined) merged.push(current);
  return merged.flatMap(({ first, last, text }) =>
    text === null ? split(first, last).map(printNetwork) : [text],
  );
}

function order(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** IPv4 ends where IPv6 goes on, but they do not touch. `lower` does not end above `upper`. */
function isTouching(lower: Range, upper: Range): boolean {
  if (lower.last >= upper.first) return true;
  return lower.last + 1n === upper.first && isIpv4(lower.last) === isIpv4(upper.first);
}

/** The fewest networks with the addresses from `first` to `last`. */
function split(first: bigint, last: bigint): readonly Network[] {
  const networks: Network[] = [];
  for (let at = first; at <= last;) {
    let prefix = 128;
    while (prefix > 0) {
      const wider = createNetwork(at, prefix - 1);
      if (wider.first !== at || lastAddress(wider) > last) break;
      prefix -= 1;
    }
    const network = createNetwork(at, prefix);
    networks.push(network);
    at = lastAddress(network) + 1n;
  }
  return networks;
}
