/**
 * The start of a connection, read for the name of the server that a TLS client asks for (RFC 8446,
 * 4.1.2; RFC 6066, 3). What two servers could read differently is told from what has no name. Pure.
 */

export type HelloReading =
  /** As far as it has come, it may become a ClientHello. */
  | { readonly kind: "more" }
  /** Some other protocol. */
  | { readonly kind: "other" }
  | { readonly kind: "hello"; readonly sni: string | null }
  | { readonly kind: "unclear"; readonly detail: string };

/** Those with keys and certificates of post-quantum algorithms have a few KiB. */
const maxHelloBytes = 65_536;

const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const hostName = 0;
const maxFragmentBytes = 16_384;

export function readClientHello(bytes: Uint8Array): HelloReading {
  if (!mayBeTls(bytes)) return { kind: "other" };
  const message = joinFragments(bytes);
  const [type = clientHello] = message;
  if (type !== clientHello) return { kind: "other" };
  const body = takeBody(message);
  if (body !== null) return readBody(body);
  if (bytes.length > maxHelloBytes) return unclear("it is too long");
  return isBroken(bytes) ? unclear("its records are broken") : { kind: "more" };
}

/** Record type and major version: as the length of a MySQL packet, the two are not followed by 1. */
function mayBeTls([type = handshakeRecord, major = 3]: Uint8Array): boolean {
  return type === handshakeRecord && major === 3;
}

function takeBody(message: Uint8Array): Uint8Array | null {
  const [, high = 0, middle = 0, low = 0] = message;
  const end = 4 + ((high << 16) | (middle << 8) | low);
  return message.length < Math.max(4, end) ? null : message.subarray(4, end);
}

function readBody(body: Uint8Array): HelloReading {
  try {
    return { kind: "hello", sni: readName(body) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return unclear(error.message);
  }
}

function unclear(why: string): HelloReading {
  return { kind: "unclear", detail: `the ClientHello cannot be relied on: ${why}` };
}

/** Never leaves this file. */
class Malformed extends Error {}

interface TlsRecord {
  readonly type: number;
  readonly fragment: Uint8Array;
  readonly length: number;
}

function* readRecords(bytes: Uint8Array): Generator<TlsRecord> {
  let at = 0;
  while (at + 5 <= bytes.length) {
    const length = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    yield { type: bytes[at] ?? 0, fragment: bytes.subarray(at + 5, at + 5 + length), length };
    at += 5 + length;
  }
}

/** A message may be spread over records (RFC 8446, 5.1); ends at the first that has no part of it. */
function joinFragments(bytes: Uint8Array): Uint8Array {
  const fragments: Uint8Array[] = [];
  for (const { type, fragment } of readRecords(bytes)) {
    if (type !== handshakeRecord) break;
    fragments.push(fragment);
  }
  const joined = new Uint8Array(fragments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const fragment of fragments) {
    joined.set(fragment, at);
    at += fragment.length;
  }
  return joined;
}

/** Something else came between, or a record that no server takes. */
function isBroken(bytes: Uint8Array): boolean {
  return [...readRecords(bytes)].some(
    ({ type, length }) => type !== handshakeRecord || length === 0 || length > maxFragmentBytes,
  );
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(size: number): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0);
  }

  take(size: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + size);
    if (taken.length < size) throw new Malformed("a length leads beyond its end");
    this.#at += size;
    return taken;
  }

  /** What a length of `size` bytes in front of it says. */
  vector(size: number): Uint8Array {
    return this.take(this.number(size));
  }
}

function readName(body: Uint8Array): string | null {
  const hello = new Cursor(body);
  hello.take(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  // Before TLS 1.3, extensions may be missing altogether.
  if (hello.isAtEnd) return null;
  const extensions = new Cursor(hello.vector(2));
  if (!hello.isAtEnd) throw new Malformed("something follows its extensions");
  const names: string[] = [];
  let isNamed = false;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type !== serverNameExtension) continue;
    if (isNamed) throw new Malformed("it has two lists of server names");
    isNamed = true;
    names.push(...readNames(content));
  }
  if (names.length > 1) throw new Malformed("it names two servers");
  return names[0] ?? null;
}

function readNames(content: Uint8Array): string[] {
  const outer = new Cursor(content);
  const list = new Cursor(outer.vector(2));
  if (!outer.isAtEnd) throw new Malformed("something follows its server names");
  const names: string[] = [];
  while (!list.isAtEnd) {
    const type = list.number(1);
    const name = list.vector(2);
    if (type === hostName) names.push(readHostName(name));
  }
  if (names.length === 0) throw new Malformed("its list of server names has none");
  return names;
}

/** Without a dot at the end (RFC 6066, 3): with one, some servers take it for another name. */
function readHostName(bytes: Uint8Array): string {
  const name = String.fromCharCode(...bytes.subarray(0, 256)).toLowerCase();
  if (!/^[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_-])?$/.test(name)) {
    throw new Malformed("the server name is none");
  }
  return name;
}
