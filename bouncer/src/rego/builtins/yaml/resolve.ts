/**
 * What a plain scalar in YAML means, as the YAML library of Go reads it: YAML 1.2's core schema, and
 * of YAML 1.1 the underscores, octal numbers and timestamps. Pure.
 */

export type Resolved =
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "timestamp" }
  | { readonly kind: "string" };

const words: ReadonlyMap<string, Resolved> = new Map<string, Resolved>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, { kind: "null" }] as const),
  ...["true", "True", "TRUE"].map((word) => [word, { kind: "boolean", value: true }] as const),
  ...["false", "False", "FALSE"].map((word) => [word, { kind: "boolean", value: false }] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, { kind: "float", value: Number.NaN }] as const),
  ...[".inf", ".Inf", ".INF"].flatMap((word) => [
    [word, { kind: "float", value: Infinity }] as const,
    [`+${word}`, { kind: "float", value: Infinity }] as const,
    [`-${word}`, { kind: "float", value: -Infinity }] as const,
  ]),
]);

const decimalFloat = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

export function resolve(text: string): Resolved {
  const word = words.get(text);
  if (word !== undefined) return word;
  const first = text.charAt(0);
  if (first === ".") return resolveFloat(text);
  if (!/[-+\d]/.test(first)) return { kind: "string" };
  if (parseTimestamp(text) !== null) return { kind: "timestamp" };
  const plain = text.replaceAll("_", "");
  const integer = parseInteger(text);
  if (integer !== null) return { kind: "integer", value: integer };
  return decimalFloat.test(plain) ? resolveFloat(plain) : { kind: "string" };
}

/** A double that is too large is no number in Go, and so a string. */
function resolveFloat(text: string): Resolved {
  if (!decimalFloat.test(text)) return { kind: "string" };
  const value = Number(text);
  return Number.isFinite(value) ? { kind: "float", value } : { kind: "string" };
}

const forms = [
  { form: /^0[xX]([\da-fA-F]+)$/, prefix: "0x" },
  { form: /^0[oO]?([0-7]+)$/, prefix: "0o" },
  { form: /^0[bB]([01]+)$/, prefix: "0b" },
  { form: /^(0|[1-9]\d*)$/, prefix: "" },
] as const;

/** From -2^63 to 2^64 - 1; null for all else. */
function parseInteger(text: string): bigint | null {
  // In front of binary and octal digits, a sign may follow the prefix.
  const plain = text.replaceAll("_", "").replace(/^(0[bo])([-+])(?=\d)/, "$2$1");
  const [, sign = "", size = ""] = /^([-+]?)(.*)$/s.exec(plain) ?? [];
  for (const { form, prefix } of forms) {
    const found = form.exec(size)?.[1];
    if (found === undefined || found.length > 70) continue;
    const value = BigInt(prefix + found);
    if (sign === "-") return value <= 2n ** 63n ? -value : null;
    // What has a plus sign is a signed number in Go.
    return value < (sign === "+" ? 2n ** 63n : 2n ** 64n) ? value : null;
  }
  return null;
}

const dateTime =
  /^(\d{4}-\d\d?-\d\d?)(?:([Tt ])(\d\d?:\d\d?:\d\d?)(?:[.,](\d+))?(Z|[-+]\d\d:\d\d)?)?$/;

/**
 * In the form of RFC 3339; null for what is not a day, a time with a zone, or a time after a space
 * without one.
 */
export function parseTimestamp(text: string): string | null {
  const found = dateTime.exec(text);
  if (found === null) return null;
  const [, date = "", separator, time = "0:0:0", fraction = "", zone = "Z"] = found;
  if (separator !== undefined && (separator === " ") !== (found[5] === undefined)) return null;
  const moment = `${padAll(date, "-")}T${padAll(time, ":")}`;
  // A day or an hour that there is not becomes another one, or none at all.
  const parsed = new Date(`${moment}Z`);
  if (Number.isNaN(parsed.valueOf()) || !parsed.toISOString().startsWith(moment)) return null;
  const digits = fraction.slice(0, 9).replace(/0+$/, "");
  return `${moment}${digits === "" ? "" : `.${digits}`}${/^[-+]00:00$/.test(zone) ? "Z" : zone}`;
}

function padAll(parts: string, separator: "-" | ":"): string {
  return parts
    .split(separator)
    .map((part) => part.padStart(2, "0"))
    .join(separator);
}
