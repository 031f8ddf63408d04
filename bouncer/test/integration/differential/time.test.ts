import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { RegoNumber } from "../../../src/rego/number.ts";
import { formatTime } from "../../../src/rego/time/format.ts";
import { toLocal } from "../../../src/rego/time/instant.ts";
import { Zone } from "../../../src/rego/time/zone.ts";
import { packedZones } from "../../../src/rego/time/zone-data.ts";
import { findZone } from "../../../src/rego/time/zones.ts";
import type { Value } from "../../../src/rego/value.ts";
import { compareWithOpa, sample, sampleCalls } from "./harness.ts";
import { anyNumber, anyString, anyValue, mostly } from "./operand.ts";

/** Of the machine's own zones, opa would take these before those it has from Go. */
beforeAll(() => {
  const root = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
  process.env["ZONEINFO"] = join(root, "lib", "time", "zoneinfo.zip");
});

const zoneLines = inflateRawSync(Buffer.from(packedZones, "base64")).toString().split("\n");
const zoneNames = zoneLines.flatMap((line) => line.slice(0, line.indexOf("|")).split(","));

/** All zones, one second before and at each of their transitions. */
const transitions: readonly (readonly [bigint, string])[] = zoneLines.flatMap((line) => {
  const [names = "", , steps = ""] = line.split("|");
  const [name = ""] = names.split(",");
  let at = 0;
  return steps
    .split(" ")
    .filter((step) => step !== "")
    .map((step) => (at += Number.parseInt(step, 36)))
    .flatMap((second) => [
      [BigInt(second - 1) * 1_000_000_000n, name] as const,
      [BigInt(second) * 1_000_000_000n, name] as const,
    ]);
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const nanos = fc.oneof(
  { weight: 6, arbitrary: int64 },
  { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: 4_102_444_800n }).map((s) => s * 10n ** 9n) },
  { weight: 1, arbitrary: fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n) },
);
const number = fc.oneof(
  { weight: 20, arbitrary: nanos.map((value) => RegoNumber.of(value)) },
  { weight: 1, arbitrary: anyNumber },
);
const zone = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...zoneNames) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "UTC", "Local", "utc", "europe/berlin", "../UTC", "/x", "CEST"),
  },
  { weight: 1, arbitrary: anyString },
);
const elements = [
  "2006 06 January Jan 1 01 Monday Mon 2 _2 02 __2 002 15 3 03 4 04 5 05 PM pm MST",
  "Z0700 Z070000 Z07 Z07:00 Z07:00:00 -0700 -070000 -07 -07:00 -07:00:00",
  ".0 .000 .000000000 .000000000000 .9 .999 .999999999 ,000 ,999 .09 _2006 Month Janx 0 00 007",
]
  .join(" ")
  .split(" ");
const names =
  "ANSIC UnixDate RubyDate RFC822 RFC822Z RFC850 RFC1123 RFC1123Z RFC3339 RFC3339Nano".split(" ");
const separator = fc.constantFrom("", " ", "  ", "-", ":", "/", "T", ".", ",", "é", "x");
const layout = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...names) },
  {
    weight: 8,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom(...elements), separator), { maxLength: 8 })
      .map((parts) => parts.flat().join("")),
  },
  { weight: 1, arbitrary: anyString },
);
const time: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 12, arbitrary: fc.tuple(number, zone) },
  { weight: 4, arbitrary: fc.tuple(number, zone, layout) },
  { weight: 1, arbitrary: fc.array(anyValue, { maxLength: 4 }) },
  { weight: 1, arbitrary: anyValue },
);

/** All of them take half a minute: `DIFFERENTIAL_TRANSITIONS=all`. */
test("transitions of zones, and years after the last", { timeout: 300_000 }, async () => {
  const years = fc.tuple(int64, fc.constantFrom(...zoneNames));
  const all = process.env["DIFFERENTIAL_TRANSITIONS"] === "all";
  const some = all ? transitions : sample(fc.constantFrom(...transitions), 3000);
  const calls = [...some, ...sample(years, 2000)].map(
    ([at, name]) =>
      ["time.format", [RegoNumber.of(at), name, "2006-01-02 15:04:05 -070000 MST"]] as const,
  );
  expect(await compareWithOpa(calls)).toEqual([]);
});

test.each(["time.date", "time.clock", "time.weekday"])("%s", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(time), 1500))).toEqual([]);
});

test("time.format", async () => {
  const operand = fc.oneof(fc.tuple(number, zone, layout), time);
  expect(await compareWithOpa(sampleCalls("time.format", fc.tuple(operand), 2500))).toEqual([]);
});

test("time.diff", async () => {
  expect(await compareWithOpa(sampleCalls("time.diff", fc.tuple(time, time), 2000))).toEqual([]);
});

test("time.add_date", async () => {
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: -400, max: 400 }).map((n) => RegoNumber.of(n)) },
    { weight: 1, arbitrary: int64.map((n) => RegoNumber.of(n)) },
    { weight: 1, arbitrary: anyNumber },
  );
  const operands = fc.tuple(time, step, step, step);
  expect(await compareWithOpa(sampleCalls("time.add_date", operands, 2000))).toEqual([]);
});

test("time.add_date to hours that clocks skip or show twice", async () => {
  const days = fc.integer({ min: -3, max: 3 });
  const operands = fc
    .tuple(
      fc.constantFrom(...transitions),
      fc.integer({ min: -7200, max: 7200 }),
      fc.integer({ min: -3, max: 3 }),
      days,
    )
    .map(([[at, name], seconds, years, shift]): readonly Value[] => [
      [RegoNumber.of(at + BigInt(seconds - 86_400 * shift) * 1_000_000_000n), name],
      RegoNumber.of(years),
      RegoNumber.of(0),
      RegoNumber.of(shift),
    ]);
  expect(await compareWithOpa(sampleCalls("time.add_date", operands, 2500))).toEqual([]);
});

/** Texts for a layout: what the elements stand for, and what looks like it. */
const samples: Readonly<Record<string, readonly string[]>> = {
  "2006": ["2006", "1969", "0000", "9999", "1677", "2262", "206", "+206", "2024"],
  "06": ["06", "68", "69", "99", "-1", "+1", "6"],
  January: ["January", "february", "MAY", "Jan", "Dezember"],
  Jan: ["Jan", "feb", "MAR", "Apr", "ſep", "February"],
  Monday: ["Monday", "sunday", "Mon"],
  Mon: ["Mon", "TUE", "Xyz"],
  "1": ["1", "12", "13", "0", "01", "2"],
  "01": ["01", "12", "13", "00", "1", "02"],
  "2": ["1", "31", "32", "0", "29", "30", "99"],
  _2: [" 1", "1", "31", "  1", "29"],
  "02": ["01", "31", "00", "1", "29"],
  __2: ["  1", "60", "366", "365", " 61", "0", "367"],
  "002": ["001", "060", "366", "365", "61", "000"],
  "15": ["15", "0", "23", "24", "7", "007"],
  "3": ["3", "12", "0", "13"],
  "03": ["03", "12", "00", "13", "3"],
  "4": ["4", "59", "60"],
  "04": ["04", "59", "60", "4"],
  "5": ["5", "59", "60", "5.5", "5,123456789", "5."],
  "05": ["05", "59", "60", "5", "05.25", "59,9999999999", "05.x"],
  PM: ["PM", "AM", "pm", "XM"],
  pm: ["pm", "am", "PM"],
  MST: [
    "UTC",
    "MST",
    "CEST",
    "CHADT",
    "WITA",
    "ChST",
    "GMT",
    "GMT+5",
    "GMT-24",
    "+03",
    "ABC",
    "abc",
  ],
  ".0": [".0", ".5", ",5", ".", ".55"],
  ".000": [".000", ".123", ".12", ".1234", ".-12", ".+12"],
  ".999": [".9", ".999", "", ".1234567890", "x", "."],
  Z: ["Z", "z"],
  Z0700: ["Z", "+0100", "-0730", "+2400", "+2500", "+0161", "0100", "+01:00"],
  "Z07:00": ["Z", "+01:00", "-07:30", "+24:60", "+0100", "+1:00"],
  "-07:00:00": ["+01:00:00", "-00:00:01", "-00:00:61", "+00:00"],
  "-070000": ["+010000", "-000001", "+0100"],
  "-07": ["+01", "-12", "+25", "1"],
  "-0700": ["+0100", "-0000", "Z"],
};
const value = fc
  .array(
    fc.constantFrom(...Object.keys(samples)).chain((element) =>
      fc.tuple(
        fc.constant(element),
        // Mostly the first one, which is as it should be.
        fc.oneof(
          { weight: 9, arbitrary: fc.constant(samples[element]?.[0] ?? "") },
          { weight: 1, arbitrary: fc.constantFrom(...(samples[element] ?? [])) },
        ),
        fc.constantFrom(" ", " ", "-", "T", ":", ""),
        fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, 2),
      ),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts): readonly Value[] => [
    // Without a year, it would be one before all that can be told.
    `2006 ${parts.map(([element, , between]) => element + between).join("")}`,
    `2001 ${parts
      .map(([, text, between, spaces]) => text + between + " ".repeat(spaces))
      .join("")
      .replace(/ $/, "")}`,
  ]);

test("time.parse_ns of anything like it", async () => {
  expect(await compareWithOpa(sampleCalls("time.parse_ns", value, 3000))).toEqual([]);
});

/** Two digits: mostly a number up to `usual`, now and then one that is too large, or 0. */
function two(usual: number, most: number): fc.Arbitrary<string> {
  return fc
    .oneof(
      { weight: 30, arbitrary: fc.integer({ min: 1, max: usual }) },
      { weight: 2, arbitrary: fc.integer({ min: usual, max: most }) },
      { weight: 1, arbitrary: fc.constant(0) },
    )
    .map((size) => String(size).padStart(2, "0"));
}

test("time.parse_ns of what time.format prints, and of that with one letter changed", async () => {
  const full = fc
    .tuple(fc.shuffledSubarray(elements, { minLength: 4, maxLength: 7 }), separator)
    .map(([some, between]) => `2006-01-02${between}${some.join(between)}`);
  const operands = fc
    .tuple(
      int64,
      fc.constantFrom(...zoneNames),
      fc.oneof(fc.constantFrom(...names), full),
      fc.option(fc.tuple(fc.nat({ max: 40 }), fc.constantFrom(..."09 :Zx.".split("")))),
    )
    .map(([at, name, form, change]): readonly Value[] => {
      const text = formatTime(toLocal(at, findZone(name) ?? Zone.utc), form);
      const [index, letter] = change ?? [0, text.slice(0, 1)];
      return [form, text.slice(0, index) + letter + text.slice(index + 1)];
    });
  expect(await compareWithOpa(sampleCalls("time.parse_ns", operands, 4000))).toEqual([]);
});

test("time.parse_ns of sound dates", async () => {
  const operands = fc
    .tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1677, max: 2262 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 9999 }) },
      ),
      two(12, 13),
      two(28, 32),
      two(23, 24),
      fc.tuple(
        two(59, 60),
        fc.constantFrom("", ".5", ",25", ".123456789", ".9999999999999", "."),
        fc.constantFrom("Z", "+00:00", "-00:00", "+14:00", "-12:30", "+24:60", "z", ""),
      ),
    )
    .map(([year, month, day, hour, [second, fraction, offset]]): readonly Value[] => [
      "RFC3339",
      `${String(year).padStart(4, "0")}-${month}-${day}T${hour}:59:${second}${fraction}${offset}`,
    ]);
  const calls = sampleCalls("time.parse_ns", operands, 2000);
  expect(await compareWithOpa(calls)).toEqual([]);
  const same = calls.map(([, , text = ""]) => ["time.parse_rfc3339_ns", text] as const);
  expect(await compareWithOpa(same)).toEqual([]);
});

test("time.parse_ns of operands of any type", async () => {
  const operands = fc.tuple(mostly(layout), mostly(anyString));
  expect(await compareWithOpa(sampleCalls("time.parse_ns", operands, 1000))).toEqual([]);
});

test("time.parse_duration_ns", { timeout: 120_000 }, async () => {
  const unit = fc.oneof(
    {
      weight: 19,
      arbitrary: fc.constantFrom("ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w", "y"),
    },
    { weight: 1, arbitrary: fc.constantFrom("x", "", "ys") },
  );
  const size = fc.oneof(
    fc.nat({ max: 400 }).map(String),
    fc.constantFrom("0", "1.5", ".5", "1.", ".", "0.0000000001", "292.471208677536", "1.2.3"),
    fc.constantFrom("9223372036854775807", "9223372036854775808", "18446744073709551616", "106751"),
    fc.tuple(fc.nat({ max: 99 }), fc.nat()).map(([a, b]) => `${a}.${b}`),
  );
  const duration = fc
    .tuple(
      fc.constantFrom("", "", "", "", "", "", "-", "-", "-", "+", "+", "--"),
      fc.array(fc.tuple(size, unit), { minLength: 0, maxLength: 4 }),
    )
    .map(([sign, parts]) => sign + parts.flat().join(""));
  const operand = fc.oneof({ weight: 20, arbitrary: duration }, { weight: 1, arbitrary: anyValue });
  const calls = sampleCalls("time.parse_duration_ns", fc.tuple(operand), 3000);
  expect(await compareWithOpa(calls)).toEqual([]);
});
