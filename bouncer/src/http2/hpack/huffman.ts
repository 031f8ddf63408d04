/** Strings in the code of RFC 7541, 5.2. Pure: works on bytes. */
import {
  emits,
  fails,
  huffmanCodes,
  huffmanLengths,
  huffmanSteps,
  mayEnd,
} from "./huffman-code.ts";

/** The shortest code has 5 bits. */
export function mostDecodedBytes(encodedBytes: number): number {
  return Math.floor((encodedBytes * 8) / 5);
}

/**
 * Decodes `from` .. `end` of `source` into `target`, which has room for `mostDecodedBytes`. Answers
 * how many bytes there are now, or -1: the code is broken.
 */
export function decodeHuffman(
  source: Uint8Array,
  range: { readonly from: number; readonly end: number },
  target: Uint8Array,
): number {
  let length = 0;
  let step = mayEnd;
  for (let at = range.from; at < range.end; at += 1) {
    const byte = source[at] ?? 0;
    step = huffmanSteps[((step & 0xff) << 4) | (byte >>> 4)] ?? fails;
    if ((step & emits) !== 0) {
      target[length] = step >>> 8;
      length += 1;
    } else if ((step & fails) !== 0) {
      return -1;
    }
    step = huffmanSteps[((step & 0xff) << 4) | (byte & 0xf)] ?? fails;
    if ((step & emits) !== 0) {
      target[length] = step >>> 8;
      length += 1;
    } else if ((step & fails) !== 0) {
      return -1;
    }
  }
  return (step & mayEnd) === 0 ? -1 : length;
}

/** Bytes that `text` has in this code; infinite with characters that are no bytes. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at += 1)
    bits += huffmanLengths[text.charCodeAt(at)] ?? Infinity;
  return Math.ceil(bits / 8);
}

/** Writes `text`, all of whose characters are bytes; answers where it ends. */
export function encodeHuffman(text: string, target: Uint8Array, from: number): number {
  let at = from;
  // Less than 8 bits wait between characters, so that what is written is never lost by the shift.
  let waiting = 0;
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    let code = huffmanCodes[character] ?? 0;
    let length = huffmanLengths[character] ?? 0;
    if (length > 24) {
      count += length - 16;
      waiting = (waiting << (length - 16)) | (code >>> 16);
      while (count >= 8) {
        count -= 8;
        target[at] = waiting >>> count;
        at += 1;
      }
      code &= 0xffff;
      length = 16;
    }
    waiting = (waiting << length) | code;
    count += length;
    while (count >= 8) {
      count -= 8;
      target[at] = waiting >>> count;
      at += 1;
    }
  }
  if (count > 0) {
    // Filled up with ones, which begin the code of EOS.
    target[at] = (waiting << (8 - count)) | (0xff >>> count);
    at += 1;
  }
  return at;
}
