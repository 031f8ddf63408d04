/** Nanoseconds since the epoch, and what a zone's calendar and clocks show then. Pure. */
import { countDays, type Day, secondsPerDay, toDay, weekday } from "./calendar.ts";
import type { Zone } from "./zone.ts";

export const nanosPerSecond = 1_000_000_000n;

export interface LocalTime extends Day {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** From 0, which is Sunday. */
  readonly weekday: number;
  /** Abbreviation of the zone then. */
  readonly zone: string;
  /** Seconds east of Greenwich. */
  readonly offset: number;
}

/** What fits a signed integer of 64 bits: 1677-09-21 to 2262-04-11. */
export function isInRange(nanos: bigint): boolean {
  return BigInt.asIntN(64, nanos) === nanos;
}

export function toLocal(nanos: bigint, zone: Zone): LocalTime {
  const nanosecond = Number(((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond);
  const seconds = Number((nanos - BigInt(nanosecond)) / nanosPerSecond);
  const { name, offset } = zone.lookup(seconds);
  const days = Math.floor((seconds + offset) / secondsPerDay);
  const clock = seconds + offset - days * secondsPerDay;
  return {
    ...toDay(days),
    hour: Math.floor(clock / 3600),
    minute: Math.floor(clock / 60) % 60,
    second: clock % 60,
    nanosecond,
    weekday: weekday(days),
    zone: name,
    offset,
  };
}

/** Years up to which Go's calendar reaches back; its days are counted from March of that year. */
const firstYear = 292_277_022_400n;
const firstDay = -((firstYear / 400n) * 146_097n + 306n + 719_162n);

export interface Step {
  readonly years: bigint;
  readonly months: bigint;
  readonly days: bigint;
}

/**
 * The same time of another day; days that a month does not have run into the next one. null
 * outside of the range. Go's integers of 64 bits run over on the way, and so do these.
 */
export function addDate(local: LocalTime, zone: Zone, step: Step): bigint | null {
  const months = BigInt.asIntN(64, BigInt(local.month - 1) + step.months);
  const carried = months >= 0n ? months / 12n : -((-months + 11n) / 12n);
  const month = Number(months - carried * 12n) + 1;
  const shift = month < 3 ? 1n : 0n;
  const year = BigInt(local.year) + step.years + carried - shift + firstYear;
  const dayOfYear = ((month < 3 ? month + 12 : month) * 979 - 2919) >> 5;
  const unsigned = BigInt.asUintN(64, year);
  const days =
    BigInt.asUintN(64, 146_097n * (unsigned / 100n)) / 4n +
    (1461n * (unsigned % 100n)) / 4n +
    BigInt(dayOfYear + local.day - 1) +
    step.days;
  const clock = BigInt((local.hour * 60 + local.minute) * 60 + local.second);
  const shown = BigInt.asIntN(64, (days + firstDay) * BigInt(secondsPerDay) + clock);
  // More than enough for every zone: beyond it, no offset leads back into the range.
  if (BigInt.asIntN(36, shown) !== shown) return null;
  return toNanos(zone.fromLocal(Number(shown)), local.nanosecond);
}

/** null outside of the range. */
export function toNanos(seconds: number, nanosecond: number): bigint | null {
  const nanos = BigInt(seconds) * nanosPerSecond + BigInt(nanosecond);
  return isInRange(nanos) ? nanos : null;
}

/** Years, months, days, hours, minutes and seconds from the earlier to the later time. */
export function subtract(earlier: LocalTime, later: LocalTime): readonly number[] {
  let [seconds, minutes] = [later.second - earlier.second, later.minute - earlier.minute];
  let [hours, days] = [later.hour - earlier.hour, later.day - earlier.day];
  let [months, years] = [later.month - earlier.month, later.year - earlier.year];
  if (seconds < 0) [seconds, minutes] = [seconds + 60, minutes - 1];
  if (minutes < 0) [minutes, hours] = [minutes + 60, hours - 1];
  if (hours < 0) [hours, days] = [hours + 24, days - 1];
  if (days < 0) {
    const { year, month } = earlier;
    const next = toDay(countDays({ year, month, day: 1 }) + 31).day;
    [days, months] = [days + 32 - next, months - 1];
  }
  if (months < 0) [months, years] = [months + 12, years - 1];
  return [years, months, days, hours, minutes, seconds];
}
