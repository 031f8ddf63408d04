/** `urlquery.*`: as Go's net/url. Pure. */
import { type Builtin, BuiltinError, type Builtins } from "../builtin.ts";
import { escapePercent, unescapePercent } from "../text/percent.ts";
import { fromByteString, toByteString } from "../text/utf8.ts";
import { compareStrings, isArray, RegoObject, RegoSet, type Value } from "../value.ts";
import { printKey } from "./marshal/print.ts";

/** As many as Go takes. */
const maxParameters = 10_000;

function encode(text: string): string {
  return escapePercent(toByteString(text), "query");
}

function decode(text: string): string {
  return fromByteString(unescapePercent(toByteString(text), "query"));
}

function toTexts(value: Value): readonly string[] {
  const values = value instanceof RegoSet ? value.sorted() : isArray(value) ? value : [value];
  return values.map((text) => {
    if (typeof text === "string") return text;
    throw new BuiltinError("values must be strings, or arrays or sets of strings");
  });
}

const encodeObject: Builtin = (operands) => {
  const fields = new Map<string, readonly string[]>();
  for (const [key, value] of operands.object(0).sorted()) {
    fields.set(printKey(key), toTexts(value));
  }
  return [...fields]
    .toSorted(([one], [other]) => compareStrings(one, other))
    .flatMap(([name, texts]) => texts.map((text) => `${encode(name)}=${encode(text)}`))
    .join("&");
};

const decodeObject: Builtin = (operands) => {
  const pairs = operands.string(0).split("&");
  if (pairs.length > maxParameters) throw new BuiltinError("there are too many parameters");
  const fields = new Map<string, string[]>();
  for (const pair of pairs) {
    if (pair.includes(";")) throw new BuiltinError("parameters must not be separated by ;");
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const text = equals < 0 ? "" : decode(pair.slice(equals + 1));
    const texts = fields.get(name);
    if (texts === undefined) fields.set(name, [text]);
    else texts.push(text);
  }
  return new RegoObject(fields);
};

export const builtins: Builtins = {
  "urlquery.decode": (operands) => decode(operands.string(0)),
  "urlquery.decode_object": decodeObject,
  "urlquery.encode": (operands) => encode(operands.string(0)),
  "urlquery.encode_object": encodeObject,
};
