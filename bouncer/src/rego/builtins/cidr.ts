/** `net.cidr_*` beyond those that the Wasm module has itself. */
import { BuiltinError, type Builtins, type Operands, type Query, TimeIsUp } from "../builtin.ts";
import {
  contains,
  containsNetwork,
  lastAddress,
  parseAddress,
  parseNetwork,
  printAddress,
} from "../net/address.ts";
import { mergeRanges, parseRange } from "../net/merge.ts";
import { RegoNumber } from "../number.ts";
import { isArray, RegoObject, RegoSet, type Value } from "../value.ts";

/**
 * Those of a /16 of IPv4. For a larger network, the evaluation ends, as it does in OPA when its time
 * is over: whoever needs that many addresses looks with `net.cidr_contains`.
 */
export const maxAddresses = 65_536n;

type Member = readonly [cidr: Value, index: Value];

/** What `net.cidr_contains_matches` compares, each with what it is named by in the result. */
function readMembers(operands: Operands, index: number): readonly Member[] {
  const value = operands.value(index);
  if (typeof value === "string") return [[value, value]];
  if (isArray(value)) return value.map((member, at) => [readCidr(member), RegoNumber.of(at)]);
  if (value instanceof RegoSet) return [...value].map((member) => [readCidr(member), member]);
  if (!(value instanceof RegoObject)) return [];
  return [...value].map(([key, member]) => [readCidr(member), key]);
}

/** Arrays may have more than the network, for the caller's own use. */
function readCidr(value: Value): Value {
  const cidr = isArray(value) ? value[0] : value;
  if (cidr === undefined || !(isArray(value) || typeof value === "string")) {
    throw new BuiltinError("element must be string or non-empty array");
  }
  return cidr;
}

function readNetwork(value: Value): NonNullable<ReturnType<typeof parseNetwork>> {
  const network = typeof value === "string" ? parseNetwork(value) : null;
  if (network === null) throw new BuiltinError("not a network in CIDR notation");
  return network;
}

/** A test of what is one address or a network. */
function readTarget(value: Value): (network: ReturnType<typeof readNetwork>) => boolean {
  const address = typeof value === "string" ? parseAddress(value) : null;
  if (address !== null) return (network) => contains(network, address);
  const other = readNetwork(value);
  return (network) => containsNetwork(network, other);
}

function findMatches(operands: Operands, query: Query): Value {
  const outer = readMembers(operands, 0);
  // With nothing to compare, OPA does not look at what it would be compared with.
  if (outer.length === 0) return new RegoSet();
  const inner = readMembers(operands, 1);
  if (inner.length === 0) return new RegoSet();
  const targets = inner.map(([cidr, index]) => [readTarget(cidr), index] as const);
  const matches: Value[] = [];
  for (const [cidr, index] of outer) {
    query.checkTime();
    const network = readNetwork(cidr);
    for (const [isInside, other] of targets) {
      if (isInside(network)) matches.push([index, other]);
    }
  }
  return new RegoSet(matches);
}

function expand(operands: Operands, query: Query): Value {
  const network = readNetwork(operands.string(0));
  const last = lastAddress(network);
  if (last - network.first >= maxAddresses) {
    throw new TimeIsUp(`net.cidr_expand: more than ${maxAddresses} addresses`);
  }
  const addresses: string[] = [];
  for (let address = network.first; address <= last; address += 1n) {
    query.checkTime();
    addresses.push(printAddress(address));
  }
  return new RegoSet(addresses);
}

function merge(operands: Operands): Value {
  const ranges = operands.collection(0).map((element) => {
    const range = typeof element === "string" ? parseRange(element) : null;
    if (range === null) throw new BuiltinError("element must be an address or a network");
    return range;
  });
  return new RegoSet(mergeRanges(ranges));
}

export const builtins: Builtins = {
  "net.cidr_contains_matches": findMatches,
  "net.cidr_expand": expand,
  "net.cidr_is_valid": (operands) => {
    const cidr = operands.value(0);
    return typeof cidr === "string" && parseNetwork(cidr) !== null;
  },
  "net.cidr_merge": merge,
};
