/**
 * Header names as they come in, each kept as one string: what looks names up later need not hash
 * their characters again, and no name keeps the whole head alive that it was cut from.
 */

/** Headers that frame a message or are about the connection, as bits. */
export const role = {
  none: 0,
  host: 1,
  contentLength: 2,
  contentType: 4,
  authorization: 8,
  transferEncoding: 16,
  connection: 32,
  upgrade: 64,
  expect: 128,
  keepAlive: 256,
  proxyConnection: 512,
} as const;

const roles: ReadonlyMap<string, number> = new Map([
  ["host", role.host],
  ["content-length", role.contentLength],
  ["content-type", role.contentType],
  ["authorization", role.authorization],
  ["transfer-encoding", role.transferEncoding],
  ["connection", role.connection],
  ["upgrade", role.upgrade],
  ["expect", role.expect],
  ["keep-alive", role.keepAlive],
  ["proxy-connection", role.proxyConnection],
]);

export interface HeaderName {
  readonly name: string;
  readonly role: number;
}

const slots = 4096;
const maxNameLength = 40;
const known: (HeaderName | undefined)[] = Array.from({ length: slots }, () => undefined);

/** Of four characters and the length, which tell the usual names apart. */
function slotOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  let hash = Math.imul(length, 31) + (bytes[from] ?? 0);
  hash = Math.imul(hash, 31) + (bytes[from + (length >> 2)] ?? 0);
  hash = Math.imul(hash, 31) + (bytes[from + (length >> 1)] ?? 0);
  hash = Math.imul(hash, 31) + (bytes[to - 1] ?? 0);
  return (hash ^ (hash >>> 12)) & (slots - 1);
}

/** The name whose bytes are given; `name` is its text. */
export function lookUpName(name: string, bytes: Uint8Array, from: number, to: number): HeaderName {
  const slot = slotOf(bytes, from, to);
  const entry = known[slot];
  return entry !== undefined && entry.name === name ? entry : remember(name, slot);
}

/** First come, first kept: made-up names cost nobody more than a slot that stays theirs. */
function remember(name: string, slot: number): HeaderName {
  const meaning = roles.get(name.toLowerCase()) ?? role.none;
  if (known[slot] !== undefined || name.length > maxNameLength) return { name, role: meaning };
  const entry = { name: Buffer.from(name, "latin1").toString("latin1"), role: meaning };
  known[slot] = entry;
  return entry;
}
