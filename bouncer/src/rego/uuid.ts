/** UUIDs: RFC 9562's forms, and what those of versions 1 and 2 tell of where they are from. Pure. */
import { RegoNumber } from "./number.ts";
import { RegoObject, type Value } from "./value.ts";

const form = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** 16 bytes as one number; null for a text that is in none of the four usual forms. */
export function parseUuid(text: string): bigint | null {
  if (/^[\da-f]{32}$/i.test(text)) return BigInt(`0x${text}`);
  const bare = unwrap(text);
  return form.test(bare) ? BigInt(`0x${bare.replaceAll("-", "")}`) : null;
}

/** Braces may be any ASCII characters: it is only that way in the library that OPA uses. */
function unwrap(text: string): string {
  if (text.length === 45 && /^urn:uuid:/i.test(text)) return text.slice(9);
  const isWrapped = text.length === 38 && [0, 37].every((at) => text.charCodeAt(at) < 0x80);
  return isWrapped ? text.slice(1, 37) : text;
}

/** Bytes from the left: `[8, 2]` is the ninth and the tenth. */
function take(uuid: bigint, [from, count]: readonly [number, number]): number {
  return Number((uuid >> BigInt((16 - from - count) * 8)) & ((1n << BigInt(count * 8)) - 1n));
}

export function describeUuid(uuid: bigint): RegoObject {
  const version = take(uuid, [6, 1]) >> 4;
  const members: Record<string, Value> = {
    version: RegoNumber.of(version),
    variant: findVariant(take(uuid, [8, 1])),
  };
  if (version === 1 || version === 2) {
    Object.assign(members, describeOrigin(uuid));
  }
  if (version === 2) {
    members["id"] = RegoNumber.of(take(uuid, [0, 4]));
    const domain = take(uuid, [9, 1]);
    members["domain"] = ["Person", "Group", "Org"][domain] ?? `Domain${domain}`;
  }
  return RegoObject.of(members);
}

function findVariant(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}

function describeOrigin(uuid: bigint): Readonly<Record<string, Value>> {
  const node = take(uuid, [10, 6]).toString(16).padStart(12, "0");
  const byte = take(uuid, [10, 1]);
  const scope = (byte & 2) === 0 ? "global" : "local";
  return {
    time: RegoNumber.of(findTime(uuid)),
    nodeid: (node.match(/../g) ?? []).join("-"),
    macvariables: `${scope}:${(byte & 1) === 0 ? "unicast" : "multicast"}`,
    clocksequence: RegoNumber.of(take(uuid, [8, 2]) & 0x3f_ff),
  };
}

/** Steps of 100 ns since 1582-10-15, as nanoseconds since the epoch; runs over 64 bits as in Go. */
function findTime(uuid: bigint): bigint {
  const high = BigInt(take(uuid, [6, 2]) & 0xf_ff);
  const steps = (high << 48n) | (BigInt(take(uuid, [4, 2])) << 32n) | BigInt(take(uuid, [0, 4]));
  return BigInt.asIntN(64, (steps - 122_192_928_000_000_000n) * 100n);
}

/** Of version 4, made of 16 random bytes. */
export function printRandomUuid(bytes: Uint8Array): string {
  const marked = bytes.map((byte, index) =>
    index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte,
  );
  const digits = Array.from(marked, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [0, 8, 12, 16, 20]
    .map((start, index, starts) => digits.slice(start, starts[index + 1]))
    .join("-");
}
