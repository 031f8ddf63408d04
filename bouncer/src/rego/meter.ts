/**
 * Makes a compiled policy interruptible: every loop and every function of the module counts down,
 * and at zero the host is asked whether to go on. Wasm cannot be stopped from outside of its thread,
 * and a policy, or an input made for it, may run for minutes. The format is that of the WebAssembly
 * core specification 2.0, chapter 5. Pure: bytes in, bytes out.
 */

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
const op = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  brTable: 0x0e,
  call: 0x10,
  callIndirect: 0x11,
  selectTyped: 0x1c,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32LessEqual: 0x4c,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  extended: 0xfc,
} as const;
const emptyBlock = 0x40;

/** The module is not one that can be metered: it was not compiled by OPA. */
export class MeterError extends Error {
  override readonly name = "MeterError";
}

class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw new MeterError(`it is cut off at ${this.at}`);
    this.at += 1;
    return byte;
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MeterError(`there is no number at ${this.at}`);
  }

  /** LEB128 of any kind, its value unseen. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) throw new MeterError(`it is cut off at ${this.end}`);
  }

  skipMany(skipOne: () => void): void {
    for (let left = this.unsigned(); left > 0; left -= 1) skipOne();
  }

  name(): string {
    const length = this.unsigned();
    const from = this.at;
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(from, this.at));
  }

  limits(): void {
    const flags = this.byte();
    this.skipNumber();
    if ((flags & 1) === 1) this.skipNumber();
  }
}

interface Section {
  readonly id: number;
  readonly from: number;
  readonly end: number;
}

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

function readSections(wasm: Uint8Array): readonly Section[] {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (header.some((byte, at) => wasm[at] !== byte)) throw new MeterError("it is not WebAssembly");
  const reader = new Reader(wasm, header.length);
  const sections: Section[] = [];
  while (reader.at < wasm.length) {
    const id = reader.byte();
    const length = reader.unsigned();
    const from = reader.at;
    reader.skip(length);
    sections.push({ id, from, end: reader.at });
  }
  return sections;
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

const callCodes: ReadonlySet<number> = new Set([op.call, op.callIndirect, 0x12, 0x13]);

/** Opcodes by what follows them; those that are not here stand alone. */
function skipImmediates(reader: Reader, code: number): void {
  if (code >= 0x28 && code <= 0x3e) {
    reader.skipNumber();
    reader.skipNumber();
  } else if (oneNumber.has(code)) {
    reader.skipNumber();
  } else if (isAlone(code)) {
    return;
  } else {
    skipRare(reader, code);
  }
}

/** Block types, labels, indices, whole constants, and the index of the memory. */
const oneNumber: ReadonlySet<number> = new Set([
  ...[op.block, op.loop, op.if, 0x0c, 0x0d, op.call, 0x12],
  ...[op.localGet, op.localSet, op.localTee, op.globalGet, op.globalSet, 0x25, 0x26, 0x3f, 0x40],
  ...[op.i32Const, op.i64Const, 0xd0, 0xd2],
]);

function isAlone(code: number): boolean {
  const isControl = [0x00, 0x01, 0x05, op.end, 0x0f, 0x1a, 0x1b, 0xd1].includes(code);
  return isControl || (code >= op.i32Eqz && code <= 0xc4);
}

function skipRare(reader: Reader, code: number): void {
  switch (code) {
    case op.brTable:
      reader.skipMany(() => reader.skipNumber());
      return reader.skipNumber();
    case op.callIndirect:
    case 0x13:
      reader.skipNumber();
      return reader.skipNumber();
    case op.selectTyped:
      return reader.skipMany(() => reader.skip(1));
    case op.f32Const:
      return reader.skip(4);
    case op.f64Const:
      return reader.skip(8);
    case op.extended:
      return skipExtended(reader);
    default:
      throw new MeterError(`it has an instruction that is not known, 0x${code.toString(16)}`);
  }
}

/** How many numbers follow the instructions 0 to 17 behind 0xfc. */
const extendedNumbers = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1] as const;

function skipExtended(reader: Reader): void {
  const code = reader.unsigned();
  const numbers = extendedNumbers[code];
  if (numbers === undefined) throw new MeterError(`it has instruction 0xfc ${code}, not known`);
  for (let left = numbers; left > 0; left -= 1) reader.skipNumber();
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(size(parts));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function size(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 0x80);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** Of a positive number: one more group when its sign bit would be taken for a minus. */
function signed(value: number): Uint8Array {
  const bytes = unsigned(value);
  const last = bytes.at(-1) ?? 0;
  if (last < 0x40) return bytes;
  return Uint8Array.from([...bytes.slice(0, -1), last | 0x80, 0]);
}
