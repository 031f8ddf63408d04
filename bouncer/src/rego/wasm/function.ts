/**
 * Puts counting into the code of one function. A step is a turn of a loop or the begin of a function,
 * and more than one where much code lies in it, so that whatever is executed between two questions
 * to the host has an end, and a near one. Pure.
 */
import { isBulk, isCall, op, skipImmediates } from "./instruction.ts";
import { join, type Reader, signed, unsigned } from "./reader.ts";
import { readValueType, valueType } from "./types.ts";

/** What `opa_abort` gets instead of an address when it is time to ask. */
export const meterSignal = -1;

/** Turns of short loops are counted in a local variable, and taken to the meter by so many (2^n). */
const turns = 64;
/** What may come from loops that end before they have so many turns. */
const loopAllowance = 4;
/** Code of this size, and so many calls, are a step of their own. */
const stepBytes = 256;
const stepCalls = 8;
/** Without loops and calls, a function of this size is not worth counting. */
const shortBytes = 64;

/** Places of what the meter consists of, in the module that it is put into. */
export interface Places {
  /** The global that counts down. */
  readonly meter: number;
  /** The imported function that asks the host. */
  readonly abort: number;
}

interface Loop {
  /** Where its turns begin. */
  readonly from: number;
  readonly weight: number;
}

interface Shape {
  readonly loops: readonly Loop[];
  /** Before these, the host is asked: what they do takes as long as their operands say. */
  readonly bulk: readonly number[];
  readonly calls: number;
}

/** `reader` is on the function's code; `parameters`: how many there are. Throws MeterError. */
export function rewriteFunction(
  reader: Reader,
  parameters: number,
  places: Places,
): readonly Uint8Array[] {
  const begin = reader.at;
  const groups = reader.unsigned();
  const firstGroup = reader.at;
  let local = parameters;
  for (let left = groups; left > 0; left -= 1) {
    local += reader.unsigned();
    readValueType(reader);
  }
  const start = reader.at;
  const { loops, bulk, calls } = readShape(reader);
  const bytes = reader.end - start;
  const isSimple = loops.length === 0 && bulk.length === 0;
  if (isSimple && calls === 0 && bytes <= shortBytes) {
    return [reader.bytes.subarray(begin, reader.end)];
  }
  const steps = 1 + weightOf(bytes, calls) + (loops.length > 0 ? loopAllowance : 0);
  const put = [
    ...loops.map(({ from, weight }) => ({
      at: from,
      code: weight > 0 ? take(1 + weight, places) : countTurn(local, places),
    })),
    ...bulk.map((at) => ({ at, code: ask(places) })),
  ].toSorted((one, other) => one.at - other.at);
  const parts: Uint8Array[] = [
    unsigned(groups + 1),
    reader.bytes.subarray(firstGroup, start),
    Uint8Array.of(1, valueType.i32),
    take(steps, places),
  ];
  let from = start;
  for (const { at, code } of put) {
    parts.push(reader.bytes.subarray(from, at), code);
    from = at;
  }
  parts.push(reader.bytes.subarray(from, reader.end));
  return parts;
}

function weightOf(bytes: number, calls: number): number {
  return Math.floor(bytes / stepBytes) + Math.floor(calls / stepCalls);
}

/** Reads to the end of the function. */
function readShape(reader: Reader): Shape {
  const loops: Loop[] = [];
  const bulk: number[] = [];
  /** Begins of what is open; only those of loops are of interest. */
  const open: ({ readonly from: number; readonly calls: number } | null)[] = [];
  let calls = 0;
  while (reader.at < reader.end) {
    const at = reader.at;
    const code = reader.byte();
    skipImmediates(reader, code);
    if (isCall(code)) calls += 1;
    if (isBulk(reader.bytes, at)) bulk.push(at);
    if (code === op.loop) open.push({ from: reader.at, calls });
    else if (code === op.block || code === op.if) open.push(null);
    else if (code === op.end) {
      const loop = open.pop() ?? null;
      if (loop === null) continue;
      const weight = weightOf(at - loop.from, calls - loop.calls);
      loops.push({ from: loop.from, weight });
    }
  }
  return { loops, bulk, calls };
}

/** These three leave the stack as it was. */
function ask({ abort }: Places): Uint8Array {
  return join([Uint8Array.of(op.i32Const, meterSignal & 0x7f, op.call), unsigned(abort)]);
}

function take(steps: number, places: Places): Uint8Array {
  const meter = unsigned(places.meter);
  return join([
    Uint8Array.of(op.globalGet),
    meter,
    Uint8Array.of(op.i32Const),
    signed(steps),
    Uint8Array.of(op.i32Sub, op.globalSet),
    meter,
    Uint8Array.of(op.globalGet),
    meter,
    Uint8Array.of(op.i32Const, 0, op.i32LessEqual, op.if, emptyBlock),
    ask(places),
    Uint8Array.of(op.end),
  ]);
}

const emptyBlock = 0x40;

/** `local` is a variable that nothing else uses; short loops of one function share it. */
function countTurn(local: number, places: Places): Uint8Array {
  return join([
    Uint8Array.of(op.localGet),
    unsigned(local),
    Uint8Array.of(op.i32Const, 1, op.i32Add, op.localTee),
    unsigned(local),
    Uint8Array.of(op.i32Const),
    signed(turns - 1),
    Uint8Array.of(op.i32And, op.i32Eqz, op.if, emptyBlock),
    take(turns, places),
    Uint8Array.of(op.end),
  ]);
}
