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
]);

export interface HeaderName {
  readonly name: string;
  /** What the scan of the name made of it. */
  readonly hash: number;
  readonly role: number;
}

const slots = 2048;
const maxNameLength = 40;
const known: (HeaderName | undefined)[] = Array.from({ length: slots }, () => undefined);

/** One step of the hash of a name; begins with 0. */
export function hashStep(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 11)) & (slots - 1);
}

/** The name at `from`, whose hash the scan of it has made. */
export function nameAt(text: string, from: number, to: number, hash: number): HeaderName {
  const slot = slotOf(hash);
  const entry = known[slot];
  if (
    entry !== undefined &&
    entry.hash === hash &&
    entry.name.length === to - from &&
    text.startsWith(entry.name, from)
  ) {
    return entry;
  }
  return remember(text.slice(from, to), hash, slot);
}

/** First come, first kept: made-up names cost nobody more than a slot that stays theirs. */
function remember(name: string, hash: number, slot: number): HeaderName {
  const meaning = roles.get(name.toLowerCase()) ?? role.none;
  if (known[slot] !== undefined || name.length > maxNameLength) {
    return { name, hash, role: meaning };
  }
  const entry = { name: Buffer.from(name, "latin1").toString("latin1"), hash, role: meaning };
  known[slot] = entry;
  return entry;
}
