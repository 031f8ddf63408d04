/** Dates in certificates (RFC 5280, 4.1.2.5), with the leniency of Go: zones, and no seconds. Pure. */
import { BuiltinError } from "../builtin.ts";
import { type Der, tags } from "./der.ts";

export interface Time {
  /** Nanoseconds since the epoch. */
  readonly ns: bigint;
  /** As Go writes it in JSON. */
  readonly text: string;
}

const utc = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/;
const generalized = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})$/;

export function readTime(der: Der): Time {
  const isUtc = der.peeks(tags.utcTime);
  const content = der.content(isUtc ? tags.utcTime : tags.generalizedTime);
  const text = Array.from(content, (byte) => String.fromCharCode(byte)).join("");
  const found = (isUtc ? utc : generalized).exec(text)?.slice(1);
  if (found === undefined) throw malformed();
  return toTime(isUtc ? [toFullYear(found[0] ?? ""), ...found.slice(1)] : found);
}

/** Two digits mean 1950 to 2049. */
function toFullYear(year: string): string {
  return `${Number(year) < 50 ? 20 : 19}${year}`;
}

function toTime(parts: readonly (string | undefined)[]): Time {
  const [year, month, day, hour, minute, second = "00", compact = "Z"] = parts;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const zone = compact.replace(/(\d\d)(\d\d)$/, "$1:$2");
  const ms = Date.parse(`${local}Z`);
  // Date.parse takes the 31st of February for the 3rd of March.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(local)) throw malformed();
  const offset = zone === "Z" ? 0 : toMinutes(zone);
  // Go writes the offset zero only as Z, and so would not get back what it has read.
  if (zone !== "Z" && offset === 0) throw malformed();
  return { ns: BigInt(ms - offset * 60_000) * 1_000_000n, text: local + zone };
}

function toMinutes(zone: string): number {
  const [hours = 0, minutes = 0] = zone.slice(1).split(":").map(Number);
  if (hours > 24 || minutes > 59) throw malformed();
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

function malformed(): BuiltinError {
  return new BuiltinError("malformed time");
}
