/** The functions of Go's templates. Pure. */
import { BuiltinError } from "../builtin.ts";
import { type Argument, printArgument } from "../text/argument.ts";
import { formatText } from "../text/format.ts";
import { createLayout } from "../text/layout.ts";
import { escapePercent } from "../text/percent.ts";
import { isPrintable } from "../text/printable.ts";
import { encodeUtf8, fromByteString, toByteString } from "../text/utf8.ts";
import { compareStrings } from "../value.ts";

/** undefined: what a template shows as `<no value>`. */
export type Result = Argument | undefined;

type Call = (values: readonly Result[]) => Result;

interface Row {
  readonly least: number;
  readonly most: number;
  readonly call: Call;
}

const many = Number.POSITIVE_INFINITY;

const rows: ReadonlyMap<string, Row> = new Map<string, Row>([
  ["eq", { least: 1, most: many, call: (values) => toBoolean(isEqual(values)) }],
  ["ne", { least: 2, most: 2, call: (values) => toBoolean(!isEqual(values)) }],
  ["lt", { least: 2, most: 2, call: (values) => toBoolean(isLess(values)) }],
  ["le", { least: 2, most: 2, call: (values) => toBoolean(isLess(values) || isEqual(values)) }],
  ["gt", { least: 2, most: 2, call: (values) => toBoolean(!isLess(values) && !isEqual(values)) }],
  ["ge", { least: 2, most: 2, call: (values) => toBoolean(!isLess(values)) }],
  ["not", { least: 1, most: 1, call: ([value]) => toBoolean(!isTrue(value)) }],
  ["len", { least: 1, most: 1, call: ([value]) => toInteger(measure(value)) }],
  ["index", { least: 1, most: many, call: index }],
  ["slice", { least: 1, most: 4, call: slice }],
  ["print", { least: 0, most: many, call: (values) => toText(join(values, "<nil>")) }],
  ["println", { least: 0, most: many, call: (values) => toText(printLine(values)) }],
  ["printf", { least: 1, most: many, call: printFormat }],
  ["html", { least: 0, most: many, call: (values) => toText(escapeHtml(flatten(values))) }],
  ["js", { least: 0, most: many, call: (values) => toText(escapeScript(flatten(values))) }],
  ["urlquery", { least: 0, most: many, call: (values) => toText(escapeQuery(flatten(values))) }],
]);

/** `and` and `or` stop at the first value that decides: they are not called like others. */
export const functionNames: ReadonlySet<string> = new Set([...rows.keys(), "and", "or", "call"]);

export function callFunction(name: string, values: readonly Result[]): Result {
  const row = rows.get(name);
  if (row === undefined) throw new BuiltinError(`a template has nothing that ${name} could call`);
  if (values.length < row.least || values.length > row.most) {
    throw new BuiltinError(`${name} has a wrong number of arguments`);
  }
  return row.call(values.map((value) => (value?.kind === "nil" ? undefined : value)));
}

/** Nothing, false, zero and what is empty are not; a number of the data is a text like `0`: it is. */
export function isTrue(value: Result): boolean {
  if (value === undefined || value.kind === "nil") return false;
  if (value.kind === "list") return value.values.length > 0;
  if (value.kind === "map") return value.members.length > 0;
  if (value.kind === "integer") return value.value !== 0n;
  return value.kind === "float" ? value.value !== 0 : Boolean(value.value);
}

function toBoolean(value: boolean): Argument {
  return { kind: "boolean", value };
}

function toInteger(value: number): Argument {
  return { kind: "integer", type: "int", value: BigInt(value) };
}

function toText(value: string): Argument {
  return { kind: "string", type: "string", value };
}

function isComposite(value: Argument): boolean {
  return value.kind === "list" || value.kind === "map";
}

/** The first is one of the others. Only what is of one kind can be compared, and nil with anything. */
function isEqual([first, ...others]: readonly Result[]): boolean {
  if (others.length === 0) throw new BuiltinError("there is nothing to compare with");
  return others.some((other) => {
    if (first === undefined || other === undefined) return first === other;
    if (first.kind !== other.kind || isComposite(first)) {
      throw new BuiltinError("values of these types cannot be compared");
    }
    return "value" in first && "value" in other && first.value === other.value;
  });
}

function isLess([one, other]: readonly Result[]): boolean {
  if (one?.kind === "string" && other?.kind === "string") {
    return compareStrings(one.value, other.value) < 0;
  }
  const isNumeric = one?.kind === "integer" || one?.kind === "float";
  if (!isNumeric || one.kind !== other?.kind) {
    throw new BuiltinError("values of these types have no order");
  }
  return "value" in other && one.value < other.value;
}

/** Of texts, the bytes. */
function measure(value: Result): number {
  if (value?.kind === "string") return encodeUtf8(value.value).length;
  if (value?.kind === "list") return value.values.length;
  if (value?.kind === "map") return value.members.length;
  throw new BuiltinError("the value has no length");
}

function toIndex(value: Result, length: number): number {
  if (value?.kind !== "integer") throw new BuiltinError("an index is not an integer");
  if (value.value < 0n || value.value > BigInt(length)) throw new BuiltinError("an index is wrong");
  return Number(value.value);
}

function index([item, ...places]: readonly Result[]): Result {
  if (item === undefined) throw new BuiltinError("nothing cannot be indexed");
  let found: Argument = item;
  for (const place of places) found = indexOne(found, place);
  return found;
}

function indexOne(item: Argument, place: Result): Argument {
  if (item.kind === "map") {
    const key = place?.kind === "string" && place.type === "string" ? place.value : null;
    if (key === null) throw new BuiltinError("an index is not a string");
    return item.members.find(([name]) => name === key)?.[1] ?? { kind: "nil" };
  }
  const at = toIndex(place, measure(item));
  const found =
    item.kind === "list"
      ? item.values[at]
      : item.kind === "string"
        ? toByte(encodeUtf8(item.value)[at])
        : undefined;
  if (found === undefined) throw new BuiltinError("an index is wrong");
  return found;
}

function toByte(byte: number | undefined): Argument | undefined {
  return byte === undefined ? undefined : toInteger(byte);
}

function slice([item, ...places]: readonly Result[]): Result {
  const isText = item?.kind === "string";
  if (!isText && item?.kind !== "list") throw new BuiltinError("the value cannot be sliced");
  if (isText && places.length === 3) throw new BuiltinError("a text has no capacity");
  const [from, to] = toBounds(places, measure(item));
  if (!isText) return { kind: "list", values: item.values.slice(from, to) };
  return { ...item, value: fromByteString(toByteString(item.value).slice(from, to)) };
}

function toBounds(places: readonly Result[], length: number): readonly [from: number, to: number] {
  const [from = 0, to = length, capacity = length] = places.map((place) => toIndex(place, length));
  if (from > to || to > capacity) throw new BuiltinError("an index is wrong");
  return [from, to];
}

function printFormat([format, ...values]: readonly Result[]): Argument {
  if (format?.kind !== "string" || format.type !== "string") {
    throw new BuiltinError("a format is not a string");
  }
  return toText(
    formatText(
      format.value,
      values.map((value) => value ?? { kind: "nil" }),
    ),
  );
}

export function show(value: Argument): string {
  return printArgument(value, "v", createLayout());
}

/** A space between two values of which neither is a text. */
function join(values: readonly Result[], nothing: string): string {
  let text = "";
  let wasText = true;
  for (const value of values) {
    const isText = value === undefined ? nothing !== "<nil>" : value.kind === "string";
    text += (wasText || isText ? "" : " ") + (value === undefined ? nothing : show(value));
    wasText = isText;
  }
  return text;
}

function flatten(values: readonly Result[]): string {
  return join(values, "<no value>");
}

function printLine(values: readonly Result[]): string {
  return `${values.map((value) => show(value ?? { kind: "nil" })).join(" ")}\n`;
}

const htmlEscapes: Readonly<Record<string, string>> = {
  "\u0000": "\u{FFFD}",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

function escapeHtml(text: string): string {
  // oxlint-disable-next-line no-control-regex -- NUL is one of those
  return text.replace(/[\u0000"'&<>]/g, (character) => htmlEscapes[character] ?? character);
}

function escapeScript(text: string): string {
  let escaped = "";
  for (const character of text.toWellFormed()) {
    const codePoint = character.codePointAt(0) ?? 0;
    const hex = codePoint.toString(16).toUpperCase().padStart(4, "0");
    if ("\\'\"".includes(character)) escaped += `\\${character}`;
    else if ("<>&=".includes(character) || codePoint < 0x20) escaped += `\\u${hex}`;
    else escaped += codePoint < 0x80 || isPrintable(codePoint) ? character : `\\u${hex}`;
  }
  return escaped;
}

function escapeQuery(text: string): string {
  return escapePercent(toByteString(text), "query");
}
