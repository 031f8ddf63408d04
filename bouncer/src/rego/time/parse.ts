/**
 * Texts read as times, by layouts of Go, and as lenient as Go: one digit will do where the layout
 * has no zero, letters of names may be of either case, fractions of seconds need no mention. Pure.
 */
import { countDays, daysInMonth, isLeap, secondsPerDay } from "./calendar.ts";
import { toNanos } from "./instant.ts";
import { dayNames, monthNames, parseLayout, type Piece } from "./layout.ts";
import { isDigit, readInteger, readNanoseconds, TimeText } from "./time-text.ts";
import { readOffset, readZoneName } from "./zone-text.ts";

/** What the text has told so far; null where it has said nothing. */
interface Parts {
  year: number;
  month: number | null;
  day: number | null;
  dayOfYear: number | null;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  isMorning: boolean;
  isAfternoon: boolean;
  isUtc: boolean;
  offset: number | null;
}

/** Reads one element; false when the text does not have it, or not in its range. */
type Reader = (text: TimeText, parts: Parts, next: Piece | undefined) => boolean;

/** Nanoseconds since the epoch, null for a text that is not of the layout or out of range. */
export function parseTime(layout: string, value: string): bigint | null {
  const pieces = parseLayout(layout);
  const text = new TimeText(value);
  const parts: Parts = {
    year: 0,
    month: null,
    day: null,
    dayOfYear: null,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    isMorning: false,
    isAfternoon: false,
    isUtc: false,
    offset: null,
  };
  for (const [index, piece] of pieces.entries()) {
    const next = pieces.slice(index + 1, index + 3).find(({ kind }) => kind === "element");
    const isRead =
      piece.kind === "literal"
        ? text.skip(piece.text)
        : (readers.get(piece.text) ?? readOther(piece.text))(text, parts, next);
    if (!isRead) return null;
  }
  return text.isAtEnd() ? toInstant(parts) : null;
}

function readNumber(
  name: "month" | "day" | "hour" | "minute" | "second",
  isFixed: boolean,
  [least, most]: readonly [number, number],
): Reader {
  return (text, parts) => {
    const number = text.number(isFixed ? 2 : 1, 2);
    if (number === null || number < least || number > most) return false;
    parts[name] = number;
    return true;
  };
}

/** A fraction may follow, even where the layout has none. */
function readSecond(isFixed: boolean): Reader {
  const read = readNumber("second", isFixed, [0, 59]);
  return (text, parts, next) => {
    if (!read(text, parts, next)) return false;
    const isAnnounced = next !== undefined && /^[.,]/.test(next.text);
    return isAnnounced || readFraction(text, parts, next);
  };
}

function readFraction(text: TimeText, parts: Parts, _next: Piece | undefined): boolean {
  if (!/^[.,]\d/.test(text.peek(2))) return true;
  const nanosecond = readNanoseconds(text.takeFraction());
  parts.nanosecond = nanosecond ?? 0;
  return nanosecond !== null;
}

function readMonthName(length: number): Reader {
  const names = monthNames.map((name) => name.slice(0, length));
  return (text, parts) => {
    const found = text.oneOf(names);
    parts.month = found + 1;
    return found >= 0;
  };
}

function readDayName(length: number): Reader {
  const names = dayNames.map((name) => name.slice(0, length));
  return (text) => text.oneOf(names) >= 0;
}

function readDayOfYear(least: number): Reader {
  return (text, parts) => {
    if (least === 1) text.skipSpaces(2);
    parts.dayOfYear = text.number(least, 3);
    return parts.dayOfYear !== null;
  };
}

function readHalf(am: string, pm: string): Reader {
  return (text, parts) => {
    const half = text.take(2);
    parts.isMorning ||= half === am;
    parts.isAfternoon ||= half === pm;
    return half === am || half === pm;
  };
}

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    "2006",
    (text, parts) => {
      const digits = text.take(4);
      if (digits.length < 4 || !isDigit(digits[0])) return false;
      const year = readInteger(digits);
      parts.year = year ?? 0;
      return year !== null;
    },
  ],
  [
    "06",
    (text, parts) => {
      const digits = text.take(2);
      const year = digits.length < 2 ? null : readInteger(digits);
      if (year === null) return false;
      parts.year = year + (year >= 69 ? 1900 : 2000);
      return true;
    },
  ],
  ["January", readMonthName(9)],
  ["Jan", readMonthName(3)],
  ["1", readNumber("month", false, [1, 12])],
  ["01", readNumber("month", true, [1, 12])],
  ["Monday", readDayName(9)],
  ["Mon", readDayName(3)],
  ["2", readNumber("day", false, [0, 99])],
  [
    "_2",
    (text, parts, next) => {
      text.skipSpaces(1);
      return readNumber("day", false, [0, 99])(text, parts, next);
    },
  ],
  ["02", readNumber("day", true, [0, 99])],
  ["__2", readDayOfYear(1)],
  ["002", readDayOfYear(3)],
  ["15", readNumber("hour", false, [0, 23])],
  ["3", readNumber("hour", false, [0, 12])],
  ["03", readNumber("hour", true, [0, 12])],
  ["4", readNumber("minute", false, [0, 59])],
  ["04", readNumber("minute", true, [0, 59])],
  ["5", readSecond(false)],
  ["05", readSecond(true)],
  ["PM", readHalf("AM", "PM")],
  ["pm", readHalf("am", "pm")],
  [
    "MST",
    (text, parts) => {
      if (text.takeIf("UTC")) {
        parts.isUtc = true;
        return true;
      }
      // Other names tell nothing: they mean something else everywhere. It is the same in Go.
      return text.take(readZoneName(text.rest())) !== "";
    },
  ],
]);

/** Offsets and fractions: there are too many forms of them for a table. */
function readOther(element: string): Reader {
  if (element.startsWith(".") || element.startsWith(",")) {
    if (element[1] === "9") return readFraction;
    return (text, parts) => {
      const digits = text.take(element.length);
      const nanosecond = digits.length < element.length ? null : readNanoseconds(digits);
      parts.nanosecond = nanosecond ?? 0;
      return nanosecond !== null;
    };
  }
  return (text, parts) => {
    if (element.startsWith("Z") && text.takeIf("Z")) {
      parts.isUtc = true;
      return true;
    }
    const offset = readOffset(text.take(element.length), element);
    parts.offset = offset;
    return offset !== null;
  };
}

function toInstant(parts: Parts): bigint | null {
  const date = parts.dayOfYear === null ? parts : toDate(parts, parts.dayOfYear);
  if (date === null) return null;
  const { year } = parts;
  const [month, day] = [date.month ?? 1, date.day ?? 1];
  if (day < 1 || day > daysInMonth(year, month)) return null;
  const days = countDays({ year, month, day });
  const seconds = days * secondsPerDay + (findHour(parts) * 60 + parts.minute) * 60 + parts.second;
  return toNanos(seconds - findOffset(parts), parts.nanosecond);
}

function findHour({ hour, isMorning, isAfternoon }: Parts): number {
  if (isAfternoon && hour < 12) return hour + 12;
  return isMorning && hour === 12 ? 0 : hour;
}

/** Seconds. Go takes -1, a second west of Greenwich, for the absence of an offset. */
function findOffset({ isUtc, offset }: Parts): number {
  return isUtc || offset === null || offset === -1 ? 0 : offset;
}

type MonthDay = Pick<Parts, "month" | "day">;

/** null when there is no such day, or when it is not the one that was named otherwise. */
function toDate({ year, month, day }: Parts, dayOfYear: number): MonthDay | null {
  if (dayOfYear < 1 || dayOfYear > (isLeap(year) ? 366 : 365)) return null;
  let [named, left] = [1, dayOfYear];
  while (left > daysInMonth(year, named)) {
    left -= daysInMonth(year, named);
    named += 1;
  }
  const isSame = (month === null || month === named) && (day === null || day === left);
  return isSame ? { month: named, day: left } : null;
}
