/**
 * Types in a WebAssembly module: those of the core specification 1.0 and references. What came
 * later is written in more bytes; to read it as one would be to see other code than what is run. Pure.
 */
import { MeterError, type Reader } from "./reader.ts";

export const valueType = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  funcref: 0x70,
  externref: 0x6f,
} as const;

const known: ReadonlySet<number> = new Set(Object.values(valueType));
const functionForm = 0x60;
const emptyBlock = 0x40;

export function readValueType(reader: Reader): void {
  const type = reader.byte();
  if (!known.has(type)) throw new MeterError(`it has a type that is not known, 0x${hex(type)}`);
}

/** How many parameters it has. */
export function readFunctionType(reader: Reader): number {
  const form = reader.byte();
  if (form !== functionForm)
    throw new MeterError(`it has a type of a form not known, 0x${hex(form)}`);
  const parameters = reader.unsigned();
  for (let left = parameters; left > 0; left -= 1) readValueType(reader);
  reader.skipMany(() => readValueType(reader));
  return parameters;
}

/** Nothing, one value, or the number of a type: a positive number, whose last byte has no sign. */
export function skipBlockType(reader: Reader): void {
  let last = reader.byte();
  if (last === emptyBlock || known.has(last)) return;
  while (last >= 0x80) last = reader.byte();
  if (last >= 0x40)
    throw new MeterError(`it has a block of a type that is not known, 0x${hex(last)}`);
}

function hex(byte: number): string {
  return byte.toString(16);
}
