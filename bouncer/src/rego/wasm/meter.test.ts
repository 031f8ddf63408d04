import { expect, test } from "vitest";
import { meter, meterName, meterSignal } from "./meter.ts";
import { MeterError } from "./reader.ts";

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Sections of a module that imports `env.opa_abort`, has one global, and one function `run`. */
function moduleOf(body: readonly number[], locals: readonly number[] = [0]): Uint8Array {
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const code = [...locals, ...body, 0x0b];
  return Uint8Array.from([
    ...header,
    // Types: (i32) -> (), and (i32) -> (i32).
    ...section(1, [2, 0x60, 1, 0x7f, 0, 0x60, 1, 0x7f, 1, 0x7f]),
    ...section(2, [1, ...text("env"), ...text("opa_abort"), 0, 0]),
    ...section(3, [1, 1]),
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
