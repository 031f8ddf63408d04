/** A quick hash of texts, for what may be mistaken now and then. Pure. */

/** Of what is longer, only the beginning is looked at. */
const maxBytes = 65_536;
const bytes = new Uint8Array(maxBytes);
const words = new Int32Array(bytes.buffer);
const encoder = new TextEncoder();

/**
 * 31 bits and never 0, so that it is a small integer to V8. The bytes are taken four at a time, since
 * each character of a string costs more than multiplying four of them, and in two lanes, because a
 * product has to be waited for: FNV-1a over words with a rotation, mixed at the end as MurmurHash3
 * does.
 */
export function hashText(text: string): number {
  const { written } = encoder.encodeInto(text, bytes);
  // The last words are filled up with what makes no difference.
  bytes.fill(0, written, Math.min(written + 8, maxBytes));
  const count = (written + 3) >>> 2;
  let one = 0x81_1c_9d_c5 ^ text.length;
  let other = 0x9e_37_79_b9;
  for (let at = 0; at < count; at += 2) {
    one = turn(Math.imul(one ^ (words[at] ?? 0), 0x01_00_01_93));
    other = turn(Math.imul(other ^ (words[at + 1] ?? 0), 0x01_00_01_93));
  }
  let hash = one ^ turn(other);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2_b2_ae_35);
  hash >>>= 1;
  return hash === 0 ? 1 : hash;
}

/** A product hands nothing down from its upper bits. */
function turn(word: number): number {
  return (word << 15) | (word >>> 17);
}
