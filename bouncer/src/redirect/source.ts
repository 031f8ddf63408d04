/** Blocks of source addresses, each in its family and in the form in which iptables shows it. Pure. */
import type { Cidr } from "../config/value.ts";
import type { Family } from "./backend.ts";

export interface Source {
  readonly family: Family;
  /** `10.0.0.0/8`, `fd00::/8`: host bits are zero. */
  readonly block: string;
}

const mappedPrefix = 96;

export function toSource({ address, prefix, family }: Cidr): Source {
  if (family === "ipv4")
    return { family, block: formatIpv4(address.split(".").map(Number), prefix) };
  const groups = groupsOf(address);
  // ::ffff:10.0.0.1 is how programs name an IPv4 peer; in packets there is no such address.
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xff_ff;
  return isMapped && prefix >= mappedPrefix
    ? { family: "ipv4", block: formatIpv4(bytesOf(groups.slice(6)), prefix - mappedPrefix) }
    : { family, block: formatIpv6(groups, prefix) };
}

function formatIpv4(bytes: readonly number[], prefix: number): string {
  return `${clearHostBits(bytes, 8, prefix).join(".")}/${prefix}`;
}

function formatIpv6(groups: readonly number[], prefix: number): string {
  const kept = clearHostBits(groups, 16, prefix);
  // inet_ntop writes the deprecated "IPv4-compatible" addresses with dots (RFC 4291, 2.5.5.1).
  const isCompatible = kept.slice(0, 6).every((group) => group === 0) && kept[6] !== 0;
  const text = isCompatible
    ? `::${bytesOf(kept.slice(6)).join(".")}`
    : compress(kept.map((group) => group.toString(16)).join(":"));
  return `${text}/${prefix}`;
}

function clearHostBits(parts: readonly number[], bits: number, prefix: number): number[] {
  return parts.map((part, index) => {
    const kept = Math.min(bits, Math.max(0, prefix - index * bits));
    const unit = 2 ** (bits - kept);
    return Math.floor(part / unit) * unit;
  });
}

function bytesOf(groups: readonly number[]): number[] {
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

/** RFC 5952, as every URL parser has it: lower case, the longest run of zeros left out. */
function compress(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function readGroups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function groupsOf(address: string): number[] {
  const [head = "", tail] = compress(address).split("::");
  const [before, after] = [readGroups(head), readGroups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: zeros }, () => 0), ...after];
}
