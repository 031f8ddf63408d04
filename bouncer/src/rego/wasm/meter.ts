/**
 * Makes a compiled policy interruptible: every loop and nearly every function counts down,
 * and at zero the host is asked whether to go on. Wasm cannot be stopped from outside of its thread,
 * and a policy, or an input made for it, may run for minutes. The format is that of the WebAssembly
 * core specification 2.0, chapter 5. Pure: bytes in, bytes out.
 */

import { type Places, rewriteFunction } from "./function.ts";
import { op } from "./instruction.ts";
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
import { readFunctionType, readValueType, valueType } from "./types.ts";

/** Exported global (mutable i32) that counts down; the host sets it. */
export const meterName = "bouncer_meter";
/** Steps between two questions to the host: some tens of microseconds. */
export const meterSteps = 50_000;
/** Entries of all tables: they are memory that no limit of ours knows. */
const maxTableEntries = 1_000_000;

const sectionId = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  code: 10,
} as const;
const externKind = { function: 0, memory: 2, global: 3 } as const;

interface Imports {
  readonly abort: number;
  readonly globals: number;
}

/**
 * Throws MeterError. The module must import `opa_abort` and its memory, as OPA's do. It has to be
 * valid before: afterwards, one that names the meter's own variables would be valid, too.
 */
export function meter(wasm: Uint8Array): Uint8Array {
  const sections = readSections(wasm);
  if (!WebAssembly.validate(wasm)) throw new MeterError("it is not valid WebAssembly");
  checkMemory(wasm, sections);
  const { abort, globals: importedGlobals } = readImports(wasm, sections);
  const globals = sections.find((section) => section.id === sectionId.global);
  if (globals === undefined) throw new MeterError("it has no globals");
  const index = importedGlobals + new Reader(wasm, globals.from).unsigned();
  const places = { meter: index, abort };
  const parameters = readParameters(wasm, sections);
  const parts: Uint8Array[] = [wasm.subarray(0, 8)];
  for (const section of sections) {
    const content =
      section.id === sectionId.code
        ? rewriteCode(wasm, section, parameters, places)
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
        readValueType(reader);
        reader.skip(1);
      } else if (kind === externKind.memory) {
        reader.limits();
      } else {
        throw new MeterError(`it imports ${name}, which no host has`);
      }
    });
  }
  if (abort < 0) throw new MeterError("it does not import env.opa_abort");
  return { abort, globals };
}

/** All memory that a policy may use is the host's, and so are its bounds. */
function checkMemory(wasm: Uint8Array, sections: readonly Section[]): void {
  let entries = 0;
  for (const { id, from, end } of sections) {
    if (id === sectionId.memory) throw new MeterError("it has a memory of its own");
    if (id !== sectionId.table) continue;
    const reader = new Reader(wasm, from, end);
    reader.skipMany(() => {
      readValueType(reader);
      entries += reader.limits();
    });
  }
  if (entries > maxTableEntries) {
    throw new MeterError(`it has ${entries} table entries, accepted are ${maxTableEntries}`);
  }
}

/** How many parameters each function of the module has, in the order of the code. */
function readParameters(wasm: Uint8Array, sections: readonly Section[]): readonly number[] {
  const types: number[] = [];
  const parameters: number[] = [];
  for (const { id, from, end } of sections) {
    const reader = new Reader(wasm, from, end);
    if (id === sectionId.type) {
      reader.skipMany(() => types.push(readFunctionType(reader)));
    } else if (id === sectionId.function) {
      reader.skipMany(() => {
        parameters.push(types[reader.unsigned()] ?? 0);
      });
    }
  }
  return parameters;
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
  places: Places,
): readonly Uint8Array[] {
  const reader = new Reader(wasm, section.from, section.end);
  const count = reader.unsigned();
  const parts: Uint8Array[] = [unsigned(count)];
  for (let at = 0; at < count; at += 1) {
    const length = reader.unsigned();
    const code = new Reader(wasm, reader.at, reader.at + length);
    const body = rewriteFunction(code, parameters[at] ?? 0, places);
    reader.skip(length);
    parts.push(unsigned(size(body)), ...body);
  }
  return parts;
}
