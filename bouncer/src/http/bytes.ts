/**
 * Who owns the bytes that sockets read. Small messages are read into one buffer that all connections
 * share: it is full of something else as soon as another socket is read. Who keeps bytes beyond the
 * call in which it got them takes `keep(chunk)`. Bytes that are not in the shared buffer stay as
 * they are until their receiver has asked for more (`resume`).
 */

export const bufferBytes = 64 * 1024;

/** Outside of Node's pool, so that it can be told by its memory. */
export const sharedBuffer: Buffer = Buffer.allocUnsafeSlow(bufferBytes);

export function isShared(chunk: Buffer): boolean {
  return chunk.buffer === sharedBuffer.buffer;
}

/** The bytes themselves, or a copy of them if they would not last. */
export function keep(chunk: Buffer): Buffer {
  return isShared(chunk) ? Buffer.from(chunk) : chunk;
}

/**
 * For connections that carry much: used again, because to make one anew costs more than to fill it.
 * Where there are many of them at the same time, they are smaller: 256 connections of 64 KiB each
 * would be a fifth of all memory, and what they carry is as slow as their number makes it anyway.
 */
const manyOut = 32;
const smallBytes = 16 * 1024;
const large: Buffer[] = [];
const small: Buffer[] = [];
const maxFree = { large: 16, small: 64 };
let out = 0;

export function takeBuffer(): Buffer {
  out += 1;
  return out <= manyOut
    ? (large.pop() ?? Buffer.allocUnsafeSlow(bufferBytes))
    : (small.pop() ?? Buffer.allocUnsafeSlow(smallBytes));
}

/** Nobody may read it any more. */
export function giveBuffer(buffer: Buffer): void {
  out -= 1;
  if (buffer.length === bufferBytes) {
    if (large.length < maxFree.large) large.push(buffer);
  } else if (small.length < maxFree.small) small.push(buffer);
}

/** Somebody may still read it: it is not used again. */
export function leaveBuffer(): void {
  out -= 1;
}
