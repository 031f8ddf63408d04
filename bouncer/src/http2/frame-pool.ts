/** Memory for frames that are being put together, in sizes of powers of two, used again and again. */

const leastBytes = 4096;
const mostBytes = 128 * 1024;
/** Of each size: with less, what many connections write at a time is garbage, and more than them. */
const keptBytes = 2 * 1024 * 1024;

const free = new Map<number, Buffer[]>();

/** At least `count` bytes of whatever content. */
export function borrowBytes(count: number): Buffer {
  let size = leastBytes;
  while (size < count) size *= 2;
  return free.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
}

/** What came from `borrowBytes` and is not used any more; anything else is left alone. */
export function returnBytes(bytes: Buffer): void {
  const size = bytes.length;
  if (size < leastBytes || size > mostBytes) return;
  const kept = free.get(size);
  if (kept === undefined) free.set(size, [bytes]);
  else if (kept.length * size < keptBytes) kept.push(bytes);
}
