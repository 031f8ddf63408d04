/** Times as text, by layouts of Go. Pure. */
import { dayOfYear } from "./calendar.ts";
import type { LocalTime } from "./instant.ts";
import { dayNames, monthNames, parseLayout } from "./layout.ts";

function pad(value: number, width: number, filler = "0"): string {
  const digits = String(Math.abs(value)).padStart(width, filler);
  return value < 0 ? `-${digits}` : digits;
}

const longMonth = (time: LocalTime): string => monthNames[time.month - 1] ?? "";
const longDay = (time: LocalTime): string => dayNames[time.weekday] ?? "";
const halfDayHour = (time: LocalTime): number => (time.hour % 12 === 0 ? 12 : time.hour % 12);

const printers: ReadonlyMap<string, (time: LocalTime) => string> = new Map([
  ["2006", (time) => pad(time.year, 4)],
  ["06", (time) => pad(time.year % 100, 2)],
  ["January", longMonth],
  ["Jan", (time) => longMonth(time).slice(0, 3)],
  ["1", (time) => String(time.month)],
  ["01", (time) => pad(time.month, 2)],
  ["Monday", longDay],
  ["Mon", (time) => longDay(time).slice(0, 3)],
  ["2", (time) => String(time.day)],
  ["_2", (time) => pad(time.day, 2, " ")],
  ["02", (time) => pad(time.day, 2)],
  ["__2", (time) => pad(dayOfYear(time), 3, " ")],
  ["002", (time) => pad(dayOfYear(time), 3)],
  ["15", (time) => pad(time.hour, 2)],
  ["3", (time) => String(halfDayHour(time))],
  ["03", (time) => pad(halfDayHour(time), 2)],
  ["4", (time) => String(time.minute)],
  ["04", (time) => pad(time.minute, 2)],
  ["5", (time) => String(time.second)],
  ["05", (time) => pad(time.second, 2)],
  ["PM", (time) => (time.hour >= 12 ? "PM" : "AM")],
  ["pm", (time) => (time.hour >= 12 ? "pm" : "am")],
  ["MST", (time) => time.zone],
]);

export function formatTime(time: LocalTime, layout: string): string {
  return parseLayout(layout)
    .map(({ kind, text }) => (kind === "literal" ? text : formatElement(time, text)))
    .join("");
}

function formatElement(time: LocalTime, element: string): string {
  const print = printers.get(element);
  if (print !== undefined) return print(time);
  return /^[Z-]/.test(element)
    ? formatOffset(time.offset, element)
    : formatFraction(time.nanosecond, element);
}

/** `-07`, `-0700`, `-07:00`, `-070000`, `-07:00:00`, and with `Z`, which is written for UTC. */
function formatOffset(offset: number, element: string): string {
  if (offset === 0 && element.startsWith("Z")) return "Z";
  const colon = element.includes(":") ? ":" : "";
  const parts = element.slice(1).replaceAll(":", "").length / 2;
  const minutes = Math.trunc(offset / 60);
  // As in Go, less than a minute west of Greenwich is no negative offset, but has negative seconds.
  const seconds = minutes < 0 ? -offset % 60 : offset % 60;
  const size = Math.abs(minutes);
  const all = [Math.floor(size / 60), size % 60, seconds].slice(0, parts);
  return (minutes < 0 ? "-" : "+") + all.map((part) => pad(part, 2)).join(colon);
}

/** `.000` has all its digits, `.999` no zeros at the end. */
function formatFraction(nanosecond: number, element: string): string {
  const digits = pad(nanosecond, 9).slice(0, element.length - 1);
  const shown = element[1] === "9" ? digits.replace(/0+$/, "") : digits;
  return shown === "" ? "" : `${element[0]}${shown}`;
}
