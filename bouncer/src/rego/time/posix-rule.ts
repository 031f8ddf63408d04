/**
 * The rule that a time zone follows after its last known transition, as a TZ string of POSIX:
 * `CET-1CEST,M3.5.0,M10.5.0/3`. Pure.
 */
import { countDays, daysInMonth, isLeap, secondsPerDay, toDay, weekday } from "./calendar.ts";

export interface Kind {
  /** `CET`, or `+03` where people have no letters for it. */
  readonly name: string;
  /** Seconds east of Greenwich. */
  readonly offset: number;
}

/** A stretch of time in which a zone keeps one offset; `end` is the first second after it. */
export interface Period extends Kind {
  readonly start: number;
  readonly end: number;
}

interface Change {
  readonly kind: "month" | "julian" | "day";
  readonly numbers: readonly number[];
  /** Seconds after midnight of the clock that is in use before the change. */
  readonly time: number;
}

export interface PosixRule {
  readonly standard: Kind;
  readonly summer: { readonly kind: Kind; readonly from: Change; readonly to: Change } | null;
}

const name = "(?:<[^>]+>|[A-Za-z]{3,})";
const time = String.raw`[-+]?\d+(?::\d+)?(?::\d+)?`;
const form = new RegExp(`^(${name})(${time})(?:(${name})(${time})?,([^,]+),([^,]+))?$`);
const changeForm = new RegExp(`^(?:M(\\d+)\\.(\\d)\\.(\\d)|(J?)(\\d+))(?:/(${time}))?$`);

/** null for a text that is no rule. */
export function parseRule(text: string): PosixRule | null {
  const [, standardName, standardTime, summerName, summerTime, from, to] = form.exec(text) ?? [];
  if (standardName === undefined || standardTime === undefined) return null;
  const standard = { name: unquote(standardName), offset: -parseTime(standardTime) };
  if (summerName === undefined) return { standard, summer: null };
  const offset = summerTime === undefined ? standard.offset + 3600 : -parseTime(summerTime);
  const [start, end] = [parseChange(from), parseChange(to)];
  if (start === null || end === null) return null;
  return {
    standard,
    summer: { kind: { name: unquote(summerName), offset }, from: start, to: end },
  };
}

function unquote(text: string): string {
  return text.replace(/[<>]/g, "");
}

function parseTime(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[-+]/, "").split(":").map(Number);
  const size = (hours * 60 + minutes) * 60 + seconds;
  return text.startsWith("-") ? -size : size;
}

function parseChange(text = ""): Change | null {
  const [whole, month, week, day, julian, number, at] = changeForm.exec(text) ?? [];
  if (whole === undefined) return null;
  const seconds = at === undefined ? 2 * 3600 : parseTime(at);
  if (number === undefined) {
    return { kind: "month", numbers: [month, week, day].map(Number), time: seconds };
  }
  return { kind: julian === "" ? "day" : "julian", numbers: [Number(number)], time: seconds };
}

/** `lastTransition` is where the rule begins to hold. */
export function applyRule(rule: PosixRule, lastTransition: number, seconds: number): Period {
  const { standard, summer } = rule;
  if (summer === null) return { ...standard, start: lastTransition, end: Infinity };
  const { year } = toDay(Math.floor(seconds / secondsPerDay));
  const newYear = countDays({ year, month: 1, day: 1 }) * secondsPerDay;
  const toSummer = newYear + secondsIntoYear(year, summer.from) - standard.offset;
  const toStandard = newYear + secondsIntoYear(year, summer.to) - summer.kind.offset;
  // South of the equator it is summer at both ends of the year.
  const [first, second] = [Math.min(toSummer, toStandard), Math.max(toSummer, toStandard)];
  const [outer, inner] = toStandard < toSummer ? [summer.kind, standard] : [standard, summer.kind];
  if (seconds < first) return { ...outer, start: newYear, end: first };
  if (seconds < second) return { ...inner, start: first, end: second };
  return { ...outer, start: second, end: newYear + 365 * secondsPerDay };
}

function secondsIntoYear(year: number, change: Change): number {
  return findDay(year, change) * secondsPerDay + change.time;
}

/** From 0, the first of January. */
function findDay(year: number, { kind, numbers }: Change): number {
  const [first = 0, week = 0, wanted = 0] = numbers;
  if (kind === "day") return first;
  // The julian day 60 is the first of March in every year.
  if (kind === "julian") return first - 1 + (isLeap(year) && first >= 60 ? 1 : 0);
  const begin = countDays({ year, month: first, day: 1 });
  const days = (wanted - weekday(begin) + 7) % 7;
  const weeks = Math.min(week - 1, Math.floor((daysInMonth(year, first) - 1 - days) / 7));
  return begin - countDays({ year, month: 1, day: 1 }) + days + weeks * 7;
}
