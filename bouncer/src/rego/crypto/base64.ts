/**
 * Base64 as Go reads it: line breaks are skipped, the padding has to be there (or must not be), bits
 * beyond the last byte may be anything. Node's own decoder takes whatever it is given.
 */
import { BuiltinError } from "../builtin.ts";

type Alphabet = "base64" | "base64url";

const forms = {
  base64: { padded: /^[A-Za-z\d+/]*={0,2}$/, bare: /^[A-Za-z\d+/]*$/ },
  base64url: { padded: /^[\w-]*={0,2}$/, bare: /^[\w-]*$/ },
} as const;

function decode(text: string, alphabet: Alphabet, isPadded: boolean): Buffer {
  const joined = text.replaceAll(/[\r\n]/g, "");
  const isWhole = isPadded ? joined.length % 4 === 0 : joined.length % 4 !== 1;
  if (!isWhole || !forms[alphabet][isPadded ? "padded" : "bare"].test(joined)) {
    throw new BuiltinError("illegal base64 data");
  }
  return Buffer.from(joined, alphabet);
}

/** What `base64.decode` reads. */
export function decodeBase64(text: string): Buffer {
  return decode(text, "base64", true);
}

/** What `base64url.decode` reads: the padding may be missing. */
export function decodeBase64Url(text: string): Buffer {
  if (text.endsWith("=")) return decode(text, "base64url", true);
  // As there, the length is taken before line breaks are left out.
  return decode(text.padEnd(Math.ceil(text.length / 4) * 4, "="), "base64url", true);
}

/** What the members of a JWK are read with: either alphabet, padded or not. */
export function decodeJwkBase64(text: string): Buffer {
  return decode(text, /[+/]/.test(text) ? "base64" : "base64url", text.endsWith("="));
}
