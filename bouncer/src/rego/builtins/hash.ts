/** `crypto.md5` and its kind, and HMACs: hexadecimal digests of the UTF-8 of strings. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Builtin, Builtins } from "../builtin.ts";

function digest(algorithm: string): Builtin {
  return (operands) => createHash(algorithm).update(operands.string(0), "utf8").digest("hex");
}

function mac(algorithm: string): Builtin {
  return (operands) => {
    const [message, key] = [operands.string(0), operands.string(1)];
    return createHmac(algorithm, Buffer.from(key, "utf8")).update(message, "utf8").digest("hex");
  };
}

/** How long it takes tells nothing but whether the lengths are equal, as in Go's hmac.Equal. */
const areEqual: Builtin = (operands) => {
  const one = Buffer.from(operands.string(0), "utf8");
  const other = Buffer.from(operands.string(1), "utf8");
  return one.length === other.length && timingSafeEqual(one, other);
};

export const builtins: Builtins = {
  "crypto.hmac.equal": areEqual,
  "crypto.hmac.md5": mac("md5"),
  "crypto.hmac.sha1": mac("sha1"),
  "crypto.hmac.sha256": mac("sha256"),
  "crypto.hmac.sha512": mac("sha512"),
  "crypto.md5": digest("md5"),
  "crypto.sha1": digest("sha1"),
  "crypto.sha256": digest("sha256"),
};
