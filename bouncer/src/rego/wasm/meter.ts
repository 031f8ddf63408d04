/**
 * Makes a compiled policy interruptible: every loop and every function of the module counts down,
 * and at zero the host is asked whether to go on. Wasm cannot be stopped from outside of its thread,
 * and a policy, or an input made for it, may run for minutes. The format is that of the WebAssembly
 * core specification 2.0, chapter 5. Pure: bytes in, bytes out.
 */

import { callCodes, op, skipImmediates } from "./instruction.ts";
import {
  join,
  MeterError,
  Reader,
  readSections,
  type Section,
  signed,
  size,
  unsigned,
} from "./reader.ts";

/** What `opa_abort` gets instead of an address when it is time to ask. */
export const meterSignal = -1;
/** Exported global (mutable i32) that counts down; the host sets it. */
export const meterName = "bouncer_meter";
/** Turns of loops and calls between two questions to the host: some tens of microseconds. */
export const meterSteps = 50_000;
/** Turns of loops are counted in a local variable, and taken to the meter by so many (2^n). */
const turns = 256;
/** A function of this many bytes counts even when it does nothing but run to its end. */
const longBytes = 4096;

const sectionId = { type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;
const externKind = { function: 0, table: 1, memory: 2, global: 3 } as const;
const valueType = { i32: 0x7f } as const;
const emptyBlock = 0x40;

interface Imports {
  readonly abort: number;
  readonly globals: number;
}

/** The code that is put in, for one module. */
interface Checks {
  /** At the begin of a function that calls others or is long. */
  readonly call: Uint8Array;
  /** At the begin of each turn of a loop; `local` is a variable that nothing else uses. */
  readonly loop: (local: number) => Uint8Array;
}

/** Throws MeterError. The module must import `opa_abort`, as OPA's do. */
export function meter(wasm: Uint8Array): Uint8Array {
  const sections = readSections(wasm);
  const { abort, globals: importedGlobals } = readImports(wasm, sections);
  const globals = sections.find((section) => section.id === sectionId.global);
  if (globals === undefined) throw new MeterError("it has no globals");
  const index = importedGlobals + new Reader(wasm, globals.from).unsigned();
  const checks = createChecks(index, abort);
  const parameters = readParameters(wasm, sections);
  const parts: Uint8Array[] = [wasm.subarray(0, 8)];
  for (const section of sections) {
    const content =
      section.id === sectionId.code
        ? rewriteCode(wasm, section, parameters, checks)
        : extend(wasm, section, index);
    parts.push(Uint8Array.of(section.id), unsigned(size(content)), ...content);
  }
  return join(parts);
}

function readImports(wasm: Uint8Array, sections: readonly Section[]): Imports {
  const section = sections.find(({ id }) => id === sectionId.import);
  let abort = -1;
  let functions = 0;
  let globals = 0;
  if (section !== undefined) {
    const reader = new Reader(wasm, section.from, section.end);
    reader.skipMany(() => {
      const name = `${reader.name()}.${reader.name()}`;
      const kind = reader.byte();
      if (kind === externKind.function) {
        if (name === "env.opa_abort") abort = functions;
        functions += 1;
        reader.skipNumber();
      } else if (kind === externKind.global) {
        globals += 1;
        reader.skip(2);
      } else {
        if (kind === externKind.table) reader.skip(1);
        reader.limits();
      }
    });
  }
  if (abort < 0) throw new MeterError("it does not import env.opa_abort");
  return { abort, globals };
}

/** How many parameters each function of the module has, in the order of the code. */
function readParameters(wasm: Uint8Array, sections: readonly Section[]): readonly number[] {
  const types: number[] = [];
  const parameters: number[] = [];
  for (const { id, from, end } of sections) {
    const reader = new Reader(wasm, from, end);
    if (id === sectionId.type) {
      reader.skipMany(() => {
        reader.skip(1);
        const count = reader.unsigned();
        reader.skip(count);
        reader.skipMany(() => reader.skip(1));
        types.push(count);
      });
    } else if (id === sectionId.function) {
      reader.skipMany(() => {
        parameters.push(types[reader.unsigned()] ?? 0);
      });
    }
  }
  return parameters;
}

/** Both leave the stack as it was. */
function createChecks(index: number, abort: number): Checks {
  const global = unsigned(index);
  const take = (steps: number): Uint8Array =>
    join([
      Uint8Array.of(op.globalGet),
      global,
      Uint8Array.of(op.i32Const),
      signed(steps),
      Uint8Array.of(op.i32Sub, op.globalSet),
      global,
      Uint8Array.of(op.globalGet),
      global,
      Uint8Array.of(op.i32Const, 0, op.i32LessEqual, op.if, emptyBlock),
      Uint8Array.of(op.i32Const, meterSignal & 0x7f, op.call),
      unsigned(abort),
      Uint8Array.of(op.end),
    ]);
  const [one, many] = [take(1), take(turns)];
  return {
    call: one,
    loop: (local) =>
      join([
        Uint8Array.of(op.localGet),
        unsigned(local),
        Uint8Array.of(op.i32Const, 1, op.i32Add, op.localTee),
        unsigned(local),
        Uint8Array.of(op.i32Const),
        signed(turns - 1),
        Uint8Array.of(op.i32And, op.i32Eqz, op.if, emptyBlock),
        many,
        Uint8Array.of(op.end),
      ]),
  };
}

/** The sections that know of the meter: the global itself, and its name. */
function extend(wasm: Uint8Array, section: Section, index: number): readonly Uint8Array[] {
  if (section.id === sectionId.global) {
    return append(wasm, section, [
      Uint8Array.of(valueType.i32, 1, op.i32Const),
      signed(meterSteps),
      Uint8Array.of(op.end),
    ]);
  }
  if (section.id === sectionId.export) {
    const name = new TextEncoder().encode(meterName);
    const kind = Uint8Array.of(externKind.global);
    return append(wasm, section, [unsigned(name.length), name, kind, unsigned(index)]);
  }
  return [wasm.subarray(section.from, section.end)];
}

/** A vector with one more item. */
function append(wasm: Uint8Array, section: Section, item: Uint8Array[]): readonly Uint8Array[] {
  const reader = new Reader(wasm, section.from, section.end);
  const count = reader.unsigned();
  return [unsigned(count + 1), wasm.subarray(reader.at, section.end), ...item];
}

function rewriteCode(
  wasm: Uint8Array,
  section: Section,
  parameters: readonly number[],
  checks: Checks,
): readonly Uint8Array[] {
  const reader = new Reader(wasm, section.from, section.end);
  const count = reader.unsigned();
  const parts: Uint8Array[] = [unsigned(count)];
  for (let at = 0; at < count; at += 1) {
    const length = reader.unsigned();
    const code = new Reader(wasm, reader.at, reader.at + length);
    const body = rewriteFunction(code, parameters[at] ?? 0, checks);
    reader.skip(length);
    parts.push(unsigned(size(body)), ...body);
  }
  return parts;
}

function rewriteFunction(
  reader: Reader,
  parameters: number,
  checks: Checks,
): readonly Uint8Array[] {
  const begin = reader.at;
  const groups = reader.unsigned();
  const firstGroup = reader.at;
  let local = parameters;
  for (let left = groups; left > 0; left -= 1) {
    local += reader.unsigned();
    reader.byte();
  }
  const start = reader.at;
  let calls = false;
  const loops: number[] = [];
  while (reader.at < reader.end) {
    const code = reader.byte();
    skipImmediates(reader, code);
    calls ||= callCodes.has(code);
    if (code === op.loop) loops.push(reader.at);
  }
  const isLong = reader.end - start > longBytes;
  // What neither calls nor repeats anything ends by itself, and soon.
  if (!calls && !isLong && loops.length === 0) return [reader.bytes.subarray(begin, reader.end)];
  const check = checks.loop(local);
  const parts: Uint8Array[] = [
    unsigned(groups + 1),
    reader.bytes.subarray(firstGroup, start),
    Uint8Array.of(1, valueType.i32),
  ];
  if (calls || isLong) parts.push(checks.call);
  let from = start;
  for (const at of loops) {
    parts.push(reader.bytes.subarray(from, at), check);
    from = at;
  }
  parts.push(reader.bytes.subarray(from, reader.end));
  return parts;
}
