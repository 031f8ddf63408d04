/**
 * The built-in functions that a compiled policy may call in its host: a closed table. A bundle that
 * needs any other is refused when it is loaded, by name. Arguments and results are JSON values;
 * `undefined` is Rego's undefined. All are deterministic, so decisions may be cached.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { formatText } from "./sprintf.ts";

export type Builtin = (...args: readonly unknown[]) => unknown;

/** Rego's built-ins are undefined for arguments of another type than they are declared for. */
function ofStrings(run: (...args: readonly string[]) => unknown): Builtin {
  return (...args) => (args.every((arg) => typeof arg === "string") ? run(...args) : undefined);
}

function hash(algorithm: string): Builtin {
  return ofStrings((text = "") => createHash(algorithm).update(text).digest("hex"));
}

function hmac(algorithm: string): Builtin {
  return ofStrings((text = "", key = "") => createHmac(algorithm, key).update(text).digest("hex"));
}

function isEqualMac(one = "", other = ""): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function decodeHex(text = ""): string | undefined {
  return /^(?:[\da-f]{2})*$/i.test(text) ? Buffer.from(text, "hex").toString() : undefined;
}

function count(text = "", search = ""): number {
  return search === "" ? Array.from(text).length + 1 : text.split(search).length - 1;
}

/** One string or several, on either side. */
function anyMatch(matches: (text: string, affix: string) => boolean): Builtin {
  return (texts, affixes) => {
    const [all, wanted] = [[texts].flat(), [affixes].flat()];
    if (!all.every((text) => typeof text === "string")) return undefined;
    if (!wanted.every((affix) => typeof affix === "string")) return undefined;
    return all.some((text) => wanted.some((affix) => matches(text, affix)));
  };
}

export const builtins: ReadonlyMap<string, Builtin> = new Map([
  ["base64url.encode_no_pad", ofStrings((text = "") => Buffer.from(text).toString("base64url"))],
  ["crypto.hmac.equal", ofStrings(isEqualMac)],
  ["crypto.hmac.md5", hmac("md5")],
  ["crypto.hmac.sha1", hmac("sha1")],
  ["crypto.hmac.sha256", hmac("sha256")],
  ["crypto.hmac.sha512", hmac("sha512")],
  ["crypto.md5", hash("md5")],
  ["crypto.sha1", hash("sha1")],
  ["crypto.sha256", hash("sha256")],
  ["glob.quote_meta", ofStrings((text = "") => text.replace(/[\\*?[\]{}]/g, "\\$&"))],
  ["hex.decode", ofStrings(decodeHex)],
  ["hex.encode", ofStrings((text = "") => Buffer.from(text).toString("hex"))],
  ["sprintf", formatText],
  ["strings.any_prefix_match", anyMatch((text, affix) => text.startsWith(affix))],
  ["strings.any_suffix_match", anyMatch((text, affix) => text.endsWith(affix))],
  ["strings.count", ofStrings(count)],
]);
