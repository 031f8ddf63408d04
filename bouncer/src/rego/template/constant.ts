/** Numbers and characters as they are written in templates. Pure. */
import { BuiltinError } from "../builtin.ts";
import type { Argument } from "../text/argument.ts";
import { unquote } from "./unquote.ts";

const integer =
  /^([+-]?)(?:0[xX](_?[\da-fA-F]+(?:_[\da-fA-F]+)*)|0[oO]?(_?[0-7]+(?:_[0-7]+)*)|0[bB](_?[01]+(?:_[01]+)*)|(0|[1-9]\d*(?:_\d+)*))$/;

const float = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export function parseNumber(text: string): Argument {
  const found = integer.exec(text);
  if (found !== null) return toInteger(found);
  const value = float.test(text) ? Number(text) : Number.NaN;
  // Beside overflows, what Go may take and nobody writes: hexadecimal doubles, complex numbers.
  if (!Number.isFinite(value) || !/[.eE]/.test(text)) {
    throw new BuiltinError(`${text} is not a number that is supported`);
  }
  return { kind: "float", value };
}

function toInteger([text, sign, hex, octal, binary, decimal]: RegExpExecArray): Argument {
  const digits = (hex ?? octal ?? binary ?? decimal ?? "").replaceAll("_", "");
  const prefix =
    hex !== undefined ? "0x" : octal !== undefined ? "0o" : binary !== undefined ? "0b" : "";
  const size = BigInt(prefix + digits);
  const value = sign === "-" ? -size : size;
  if (BigInt.asIntN(64, value) !== value) throw new BuiltinError(`${text} is too large`);
  return { kind: "integer", type: "int", value };
}

export function parseCharacter(text: string): Argument {
  const [character, ...rest] = Array.from(unquote(text));
  if (character === undefined || rest.length > 0) {
    throw new BuiltinError(`${text} is not one character`);
  }
  return { kind: "integer", type: "int", value: BigInt(character.codePointAt(0) ?? 0) };
}
