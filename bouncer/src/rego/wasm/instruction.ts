/** Instructions of WebAssembly: their codes, and what follows each of them in the code. Pure. */
import { MeterError, type Reader } from "./reader.ts";
import { readValueType, skipBlockType } from "./types.ts";

export const op = {
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
  memoryGrow: 0x40,
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

/** What runs another function. */
export function isCall(code: number): boolean {
  return code >= op.call && code <= 0x13;
}

/** Whether the instruction at `at` works on as much memory, or table entries, as it is told. */
export function isBulk(bytes: Uint8Array, at: number): boolean {
  const code = bytes[at];
  return code === op.memoryGrow || (code === op.extended && (bytes[at + 1] ?? 0) >= 8);
}

const followed = { byRare: 0, byNothing: 1, byNumber: 2, byMemory: 3, byBlockType: 4 } as const;

/**
 * By opcode. A table, because it is asked for each instruction of a policy while a bouncer starts,
 * before anything is compiled that would make other ways as fast.
 */
const following = tabulate();

function tabulate(): Uint8Array {
  const table = new Uint8Array(256);
  const { byNothing, byNumber, byMemory, byBlockType } = followed;
  table.fill(byNothing, op.i32Eqz, 0xc5);
  for (const code of [0x00, 0x01, 0x05, op.end, 0x0f, 0x1a, 0x1b, 0xd1]) table[code] = byNothing;
  // Labels, indices, whole constants, and the index of the memory.
  const numbers = [
    [0x0c, 0x0d, op.call, 0x12, op.localGet, op.localSet, op.localTee],
    [op.globalGet, op.globalSet, 0x25, 0x26, 0x3f, op.memoryGrow],
    [op.i32Const, op.i64Const, 0xd0, 0xd2],
  ].flat();
  for (const code of numbers) table[code] = byNumber;
  table.fill(byMemory, 0x28, 0x3f);
  for (const code of [op.block, op.loop, op.if]) table[code] = byBlockType;
  return table;
}

/** Skips what follows an opcode. Throws MeterError. */
export function skipImmediates(reader: Reader, code: number): void {
  switch (following[code] ?? followed.byRare) {
    case followed.byNothing:
      return;
    case followed.byNumber:
      return reader.skipNumber();
    case followed.byMemory:
      // A bit above the alignment says that the number of a memory follows: there is but one.
      if (reader.unsigned() >= 32) throw new MeterError("it has more than one memory");
      return reader.skipNumber();
    case followed.byBlockType:
      return skipBlockType(reader);
    default:
      return skipRare(reader, code);
  }
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
      return reader.skipMany(() => readValueType(reader));
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

/** How many numbers follow the instructions 0 to 17 behind 0xfc; tables (15) are not let grow. */
const extendedNumbers = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, null, 1, 1] as const;

function skipExtended(reader: Reader): void {
  const code = reader.unsigned();
  const numbers = extendedNumbers[code];
  if (numbers === undefined || numbers === null)
    throw new MeterError(`it has instruction 0xfc ${code}, not known`);
  for (let left = numbers; left > 0; left -= 1) reader.skipNumber();
}
