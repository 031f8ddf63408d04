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

/** For connections that carry much: used again, because to make one anew costs more than to fill it. */
const free: Buffer[] = [];
const maxFree = 16;

export function takeBuffer(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
}

/** Nobody may read it any more. */
export function giveBuffer(buffer: Buffer): void {
  if (free.length < maxFree) free.push(buffer);
}
