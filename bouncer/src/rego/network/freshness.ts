/**
 * How long a response may be given again: OPA's reading of RFC 9111, whose quirks are kept. Freshness
 * counts from the `Date` that the server wrote, and `max-age` without it is an error. Pure.
 */
import { HttpFailure } from "./failure.ts";

/** Names in lower case. */
export type Headers = ReadonlyMap<string, readonly string[]>;

const second = 1_000_000_000n;

const cacheableCodes: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501,
]);

export function firstOf(headers: Headers, name: string): string {
  return headers.get(name)?.[0] ?? "";
}

export function isCacheable(statusCode: number): boolean {
  return cacheableCodes.has(statusCode);
}

export function forbidsStoring(headers: Headers): boolean {
  return readDirectives(headers).has("no-store");
}

/** Whether the server can be asked if what is kept still holds. */
export function hasValidator(headers: Headers): boolean {
  return firstOf(headers, "etag") !== "" || firstOf(headers, "last-modified") !== "";
}

export interface Moment {
  readonly headers: Headers;
  readonly forcedSeconds: number | null;
  readonly now: bigint;
}

/** Nanoseconds since the epoch; throws an HttpFailure when the headers cannot be read. */
export function findExpiry({ headers, forcedSeconds, now }: Moment): bigint {
  if (forcedSeconds !== null) return now + BigInt(forcedSeconds) * second;
  const maxAge = readMaxAge(readDirectives(headers).get("max-age"));
  if (maxAge === null) return parseHttpDate(firstOf(headers, "expires")) ?? 0n;
  const date = parseHttpDate(firstOf(headers, "date"));
  if (date === null)
    throw new HttpFailure("internal", "the response has max-age and no valid date");
  return date + maxAge * second;
}

function readDirectives(headers: Headers): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const part of firstOf(headers, "cache-control").split(",")) {
    const [name = "", value = "", ...more] = part.trim().split("=");
    if (name !== "" && more.length === 0) directives.set(name.trim(), value);
  }
  return directives;
}

const maxDelta = 2n ** 31n - 1n;

function readMaxAge(text: string | undefined): bigint | null {
  if (text === undefined) return null;
  if (!/^\d+$/.test(text)) {
    throw new HttpFailure("internal", `max-age ${JSON.stringify(text)} is not a number`);
  }
  return text.length > 10 || BigInt(text) > maxDelta ? maxDelta : BigInt(text);
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

// The three forms of RFC 9110, section 5.6.7.
const forms = [
  /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/** Nanoseconds since the epoch; null when it is no date. */
export function parseHttpDate(text: string): bigint | null {
  for (const form of forms) {
    const { day = "", month = "", year = "", time = "" } = form.exec(text)?.groups ?? {};
    const index = months.indexOf(month);
    if (index >= 0) return toInstant({ day, month: index + 1, year, time });
  }
  return null;
}

interface DateParts {
  readonly day: string;
  readonly month: number;
  readonly year: string;
  readonly time: string;
}

function toInstant({ day, month, year, time }: DateParts): bigint | null {
  const century = year.length > 2 ? "" : Number(year) >= 69 ? "19" : "20";
  const date = `${century}${year}-${String(month).padStart(2, "0")}-${day.trim().padStart(2, "0")}`;
  const instant = Date.parse(`${date}T${time}Z`);
  const isReal = !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(date);
  return isReal ? BigInt(instant) * 1_000_000n : null;
}
