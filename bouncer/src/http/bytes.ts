/**
 * Who owns the bytes that sockets read. Small messages are read into one buffer that all connections
 * share: it is full of something else as soon as another socket is read. Who keeps bytes beyond the
 * call in which it got them takes `keep(chunk)`. Bytes that are not in the shared buffer stay as
 * they are until their receiver has asked for more (`resume`).
 */

const sharedBytes = 64 * 1024;

/** Outside of Node's pool, so that it can be told by its memory. */
export const sharedBuffer: Buffer = Buffer.allocUnsafeSlow(sharedBytes);

/** The bytes themselves, or a copy of them if they would not last. */
export function keep(chunk: Buffer): Buffer {
  return chunk.buffer === sharedBuffer.buffer ? Buffer.from(chunk) : chunk;
}
