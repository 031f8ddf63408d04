/**
 * IP addresses and networks as Go's package net reads them: no leading zeros, no zones. All are
 * numbers of 128 bits, those of IPv4 as `::ffff:a.b.c.d`, which Go does not tell from IPv4. Pure.
 */

export interface Network {
  /** Its first address. */
  readonly first: bigint;
  /** Of 128 bits: 96 more than IPv4 counts. */
  readonly prefix: number;
}

const addressBits = 128;
const mappedPrefix = 96;
const mapped = 0xff_ffn;

export function isIpv4(address: bigint): boolean {
  return address >> 32n === mapped;
}

/** null for a text that is no address. */
export function parseAddress(text: string): bigint | null {
  const separator = /[.:%]/.exec(text)?.[0];
  if (separator === ":") return parseIpv6(text);
  const address = separator === "." ? parseIpv4(text) : null;
  return address === null ? null : (mapped << 32n) | address;
}

function parseIpv4(text: string): bigint | null {
  const fields = text.split(".", 5);
  if (fields.length !== 4) return null;
  if (!fields.every((field) => /^(?:0|[1-9]\d{0,2})$/.test(field) && Number(field) < 256)) {
    return null;
  }
  return fields.reduce((address, field) => (address << 8n) | BigInt(field), 0n);
}

function parseIpv6(text: string): bigint | null {
  // At most 8 groups of 4 digits, or 6 of them and IPv4.
  if (text.length > 45) return null;
  const halves = text.split("::", 3);
  if (halves.length > 2) return null;
  const [left, right] = halves.map((half, index) => parseGroups(half, index + 1 === halves.length));
  if (left === undefined || left === null || right === null) return null;
  if (right === undefined) return left.length === 8 ? join(left) : null;
  // `::` is one group of zeros at least.
  const missing = 8 - left.length - right.length;
  if (missing < 1) return null;
  return join([...left, ...Array.from({ length: missing }, () => 0n), ...right]);
}

/** Groups of 16 bits. IPv4 may stand for the last two, where the whole address ends. */
function parseGroups(text: string, isLast: boolean): readonly bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  const fields = text.split(":");
  for (const [index, field] of fields.entries()) {
    if (isLast && index === fields.length - 1 && field.includes(".")) {
      const address = parseIpv4(field);
      if (address === null) return null;
      groups.push(address >> 16n, address & mapped);
    } else if (/^[\da-fA-F]{1,4}$/.test(field)) {
      groups.push(BigInt(`0x${field}`));
    } else {
      return null;
    }
  }
  return groups;
}

function join(groups: readonly bigint[]): bigint {
  return groups.reduce((address, group) => (address << 16n) | group, 0n);
}

/** null for a text that is no address with the length of a prefix. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf("/");
  const [addressText, lengthText] = [text.slice(0, slash), text.slice(slash + 1)];
  const address = slash < 0 ? null : parseAddress(addressText);
  if (address === null || !/^\d+$/.test(lengthText)) return null;
  const length = Number(lengthText);
  const bits = addressText.includes(":") ? addressBits : addressBits - mappedPrefix;
  return length > bits ? null : createNetwork(address, addressBits - bits + length);
}

export function createNetwork(address: bigint, prefix: number): Network {
  const host = BigInt(addressBits - prefix);
  return { first: (address >> host) << host, prefix };
}

export function lastAddress({ first, prefix }: Network): bigint {
  return first | ((1n << BigInt(addressBits - prefix)) - 1n);
}

/** What spans both IPv6 and IPv4, as `::/0`, is IPv6 for Go and has no addresses of IPv4 in it. */
export function contains(network: Network, address: bigint): boolean {
  const host = BigInt(addressBits - network.prefix);
  return isIpv4(network.first) === isIpv4(address) && network.first >> host === address >> host;
}

export function containsNetwork(network: Network, other: Network): boolean {
  return network.prefix <= other.prefix && contains(network, other.first);
}

export function printAddress(address: bigint): string {
  if (isIpv4(address)) {
    return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 0xffn).join(".");
  }
  const digits = address.toString(16).padStart(32, "0");
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ""));
  const { start, length } = findZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The longest run of zeros; the first one of several. */
function findZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === "0" ? length + 1 : 0;
    if (length > best.length) best = { start: index + 1 - length, length };
  }
  return best;
}

export function printNetwork({ first, prefix }: Network): string {
  return printWithPrefix(first, prefix);
}

/** The address need not be the first one of its network. */
export function printWithPrefix(address: bigint, prefix: number): string {
  return `${printAddress(address)}/${isIpv4(address) ? prefix - mappedPrefix : prefix}`;
}
