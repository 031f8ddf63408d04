import { expect, test } from "vitest";
import { meterSignal } from "./function.ts";
import { meter, meterName } from "./meter.ts";
import { MeterError } from "./reader.ts";

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** What a module has besides; each as it is written, the count first where there is one. */
interface Besides {
  readonly types?: readonly number[];
  readonly imports?: readonly number[];
  readonly table?: readonly number[];
  readonly memory?: readonly number[];
}

/** Sections of a module that imports `env.opa_abort`, has one global, and one function `run`. */
function moduleOf(
  body: readonly number[],
  locals: readonly number[] = [0],
  { types = [], imports = [], table, memory }: Besides = {},
): Uint8Array {
  const section = (id: number, content: readonly number[] | undefined): readonly number[] =>
    content === undefined ? [] : [id, ...leb(content.length), ...content];
  const code = [...locals, ...body, 0x0b];
  const abort = [...text("env"), ...text("opa_abort"), 0, 0];
  return Uint8Array.from([
    ...header,
    // Types: (i32) -> (), and (i32) -> (i32).
    ...section(1, [types.length > 0 ? 3 : 2, 0x60, 1, 0x7f, 0, 0x60, 1, 0x7f, 1, 0x7f, ...types]),
    ...section(2, [imports.length > 0 ? 2 : 1, ...abort, ...imports]),
    ...section(3, [1, 1]),
    ...section(4, table),
    ...section(5, memory),
    ...section(6, [1, 0x7f, 1, 0x41, 7, 0x0b]),
    ...section(7, [1, ...text("run"), 0, 1]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

function text(value: string): number[] {
  return [value.length, ...Buffer.from(value)];
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(Math.floor(value / 128))];
}

function isRun(value: unknown): value is (argument: number) => number {
  return typeof value === "function";
}

class Ended extends Error {
  override readonly message = "ended";
}

/** Runs the metered module; ends it when it has asked so often. */
function run(module: Uint8Array, argument: number, maxAsked: number) {
  let asked = 0;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(meter(module)), {
    env: {
      memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
      opa_abort: (address: number) => {
        expect(address).toBe(meterSignal);
        asked += 1;
        if (asked >= maxAsked) throw new Ended();
        Reflect.set(Object(instance.exports[meterName]), "value", 50_000);
      },
    },
  });
  const { run: exported } = instance.exports;
  return { result: isRun(exported) ? exported(argument) : null, asked };
}

// loop: argument -= 1; br_if while it is not 0; result 42.
const counting = [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x41, 42];

test("a loop that ends does what it did, and the host is asked now and then", () => {
  expect(run(moduleOf(counting), 10, 5)).toEqual({ result: 42, asked: 0 });
  const { result, asked } = run(moduleOf(counting), 10_000_000, 1000);
  expect(result).toBe(42);
  expect(asked).toBeGreaterThan(100);
  expect(asked).toBeLessThan(300);
});

const importedMemory = [...text("env"), ...text("memory"), 2, 0, 1];
/** The argument goes down by one; again while it is not 0. */
const again = [0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x41, 42];
const nops = (count: number): readonly number[] => Array.from({ length: count }, () => 0x01);

test("a turn of a loop counts as much as there is in it", () => {
  const long = moduleOf([0x03, 0x40, ...nops(25_600), ...again]);
  const { result, asked } = run(long, 10_000, 100);
  expect(result).toBe(42);
  expect(asked).toSatisfy(isAbout(20));
});

function isAbout(count: number) {
  return (found: number): boolean => found >= count - 2 && found <= count + 2;
}

test("a function counts as much as there is in it", () => {
  // 100 steps at each of 2000 levels.
  const body = [0x20, 0, 0x45, 0x04, 0x7f, 0x41, 42, 0x05, ...nops(25_600)];
  const called = [0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x0b];
  const { result, asked } = run(moduleOf([...body, ...called]), 2000, 100);
  expect(result).toBe(42);
  expect(asked).toSatisfy(isAbout(4));
});

test.each([
  ["filling memory", [0x41, 0, 0x41, 0, 0x41, 5, 0xfc, 11, 0]],
  ["copying memory", [0x41, 0, 0x41, 0, 0x41, 5, 0xfc, 10, 0, 0]],
  ["growing memory by nothing", [0x41, 0, 0x40, 0, 0x1a]],
])("before %s, the host is asked each time", (_name, work) => {
  const module = moduleOf([0x03, 0x40, ...work, ...again], [0], { imports: importedMemory });
  expect(run(module, 10, 100)).toEqual({ result: 42, asked: 10 });
});

const i32 = 0x7f;
/** `(ref null func)`, in two bytes. */
const reference = [0x63, 0x70];

test.each([
  ["sets the meter", moduleOf([0x41, 9, 0x24, 1, ...counting])],
  ["sets the variable that counts turns", moduleOf([0x41, 0, 0x21, 1, ...counting])],
  ["has a memory of its own", moduleOf(counting, [0], { memory: [1, 0, 1] })],
  [
    "names a memory where there is but one",
    moduleOf([0x41, 0, 0x28, 0x42, 0, 0], [0], { imports: importedMemory }),
  ],
  ["has a table without end", moduleOf(counting, [0], { table: [1, 0x70, 0, ...leb(9_000_000)] })],
  [
    "imports a table",
    moduleOf(counting, [0], { imports: [...text("env"), ...text("table"), 1, 0x70, 0, 1] }),
  ],
  [
    "has a block of a later type",
    moduleOf([0x02, ...reference, 0xd0, 0x70, 0x0b, 0x1a, ...counting]),
  ],
  ["has a variable of a later type", moduleOf(counting, [2, 1, ...reference, 1, i32])],
  [
    "has a function of a later type",
    moduleOf(counting, [0], { types: [0x60, 1, ...reference, 0] }),
  ],
  ["has a structure", moduleOf(counting, [0], { types: [0x5f, 1, i32, 1] })],
  [
    "selects values of a later type",
    moduleOf([0xd0, 0x70, 0xd0, 0x70, 0x41, 0, 0x1c, 1, ...reference, 0x1a, ...counting]),
  ],
  [
    "has no end to its numbers",
    moduleOf([0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x20, 0]),
  ],
])("a module that %s is refused", (_name, module) => {
  expect(() => meter(module)).toThrow(MeterError);
});

test("those of later types would be run otherwise", () => {
  const modules = [
    moduleOf([0x02, ...reference, 0xd0, 0x70, 0x0b, 0x1a, ...counting]),
    moduleOf(counting, [2, 1, ...reference, 1, i32]),
    moduleOf(counting, [0], { types: [0x60, 1, ...reference, 0] }),
    moduleOf([0x41, 0, 0x28, 0x42, 0, 0], [0], { imports: importedMemory }),
  ];
  expect(modules.map((module) => WebAssembly.validate(module))).toEqual([true, true, true, true]);
});

test("locals that are there keep their places", () => {
  // Two groups of locals; the sum of the argument and a local that was set to 5.
  const body = [0x41, 5, 0x21, 2, ...counting.slice(0, -2), 0x20, 2];
  expect(run(moduleOf(body, [2, 1, 0x7e, 1, 0x7f]), 3, 1).result).toBe(5);
});

test.each([
  ["a loop without end", [0x03, 0x40, 0x0c, 0, 0x0b, 0x00]],
  ["a function that calls itself", [0x20, 0, 0x10, 1]],
  // It calls itself twice at each of 60 levels: never too deep, and never at its end.
  [
    "a function that calls itself twice",
    [
      [0x20, 0, 0x45, 0x04, 0x7f, 0x41, 0, 0x05],
      [0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x6a, 0x0b],
    ].flat(),
  ],
])("%s is ended", (_name, body) => {
  expect(() => run(moduleOf(body), 60, 2)).toThrow(/./);
});

test("a loop without end is ended by the host, not by the stack", () => {
  expect(() => run(moduleOf([0x03, 0x40, 0x0c, 0, 0x0b, 0x00]), 1, 3)).toThrow(Ended);
});

test.each([
  ["text", Buffer.from("no module at all")],
  ["nothing", new Uint8Array()],
  ["a module without imports", Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)],
  ["a module that is cut off", moduleOf(counting).subarray(0, -3)],
  ["an instruction of another time", moduleOf([0xfd, 12])],
])("%s is refused", (_name, bytes) => {
  expect(() => meter(bytes)).toThrow(MeterError);
});
