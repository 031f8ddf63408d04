/**
 * Time in OPA: nanoseconds since the epoch, alone or with the name of a time zone. The clock is the
 * query's: it stands still while a query is answered.
 */
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import { toInt64, toRoundedInteger } from "../machine-number.ts";
import { RegoNumber } from "../number.ts";
import { parseDuration } from "../time/duration.ts";
import { formatTime } from "../time/format.ts";
import { addDate, isInRange, type LocalTime, subtract, toLocal } from "../time/instant.ts";
import { dayNames } from "../time/layout.ts";
import { parseTime } from "../time/parse.ts";
import type { Zone } from "../time/zone.ts";
import { findZone } from "../time/zones.ts";
import { isArray, type Value } from "../value.ts";

interface ZonedTime {
  readonly nanos: bigint;
  readonly zone: Zone;
  readonly layout: string;
}

/** `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`. */
function readTime(operands: Operands, index: number): ZonedTime {
  const value = operands.value(index);
  const [time, zoneName = "", layout = ""]: readonly (Value | undefined)[] = isArray(value)
    ? value
    : [value];
  if (!(time instanceof RegoNumber)) throw new BuiltinError("a time must be a number");
  if (typeof zoneName !== "string") throw new BuiltinError("a time zone must be a string");
  if (typeof layout !== "string") throw new BuiltinError("a layout must be a string");
  const zone = findZone(zoneName);
  if (zone === null) throw new BuiltinError(`unknown time zone ${zoneName}`);
  const nanos = toRoundedInteger(time);
  if (nanos === null || !isInRange(nanos)) throw new BuiltinError("timestamp too big");
  return { nanos, zone, layout };
}

function readLocal(operands: Operands): LocalTime {
  const { nanos, zone } = readTime(operands, 0);
  return toLocal(nanos, zone);
}

function readStep(operands: Operands, index: number): bigint {
  const step = toInt64(operands.number(index));
  if (step === null) throw new BuiltinError(`operand ${index + 1} must be an integer`);
  return step;
}

function toNumbers(numbers: readonly number[]): Value {
  return numbers.map((number) => RegoNumber.of(number));
}

function toTime(nanos: bigint | null): Value {
  if (nanos === null) throw new BuiltinError("not a time in the range of 64 bits");
  return RegoNumber.of(nanos);
}

export const builtins: Builtins = {
  "time.add_date": (operands) => {
    const { nanos, zone } = readTime(operands, 0);
    const [years, months, days] = [1, 2, 3].map((index) => readStep(operands, index));
    const step = { years: years ?? 0n, months: months ?? 0n, days: days ?? 0n };
    return toTime(addDate(toLocal(nanos, zone), zone, step));
  },
  "time.clock": (operands) => {
    const { hour, minute, second } = readLocal(operands);
    return toNumbers([hour, minute, second]);
  },
  "time.date": (operands) => {
    const { year, month, day } = readLocal(operands);
    return toNumbers([year, month, day]);
  },
  // Both by the clocks of the first one's zone.
  "time.diff": (operands) => {
    const [{ nanos: one, zone }, { nanos: other }] = [readTime(operands, 0), readTime(operands, 1)];
    const [earlier, later] = one > other ? [other, one] : [one, other];
    return toNumbers(subtract(toLocal(earlier, zone), toLocal(later, zone)));
  },
  "time.format": (operands) => {
    const { nanos, zone, layout } = readTime(operands, 0);
    return formatTime(toLocal(nanos, zone), layout === "" ? "RFC3339Nano" : layout);
  },
  "time.now_ns": (_operands, query) => RegoNumber.of(query.now()),
  "time.parse_duration_ns": (operands) => toTime(parseDuration(operands.string(0))),
  "time.parse_ns": (operands) => toTime(parseTime(operands.string(0), operands.string(1))),
  "time.parse_rfc3339_ns": (operands) => toTime(parseTime("RFC3339", operands.string(0))),
  "time.weekday": (operands) => dayNames[readLocal(operands).weekday] ?? "",
};
