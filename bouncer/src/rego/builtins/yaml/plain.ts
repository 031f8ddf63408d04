/** Scalars of YAML as values and as keys, by their tags or by what they look like. */
import type { Scalar } from "yaml";
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber } from "../../number.ts";
import type { Value } from "../../value.ts";
import { printSingle } from "./float.ts";
import { parseTimestamp, type Resolved, resolve } from "./resolve.ts";

const prefix = "tag:yaml.org,2002:";
const timestamp = `${prefix}timestamp`;

const kinds: Readonly<Record<string, Resolved["kind"]>> = {
  null: "null",
  bool: "boolean",
  int: "integer",
  float: "float",
};

export function readScalar(node: Scalar): Value {
  const resolved = resolveNode(node);
  if (resolved.kind === "null") return null;
  if (resolved.kind === "boolean") return resolved.value;
  if (resolved.kind === "integer") return RegoNumber.of(resolved.value);
  return resolved.kind === "float" ? finite(resolved.value) : textOf(node);
}

function finite(value: number): RegoNumber {
  if (!Number.isFinite(value)) throw new BuiltinError("JSON has no such number");
  return RegoNumber.of(value);
}

/**
 * Keys of JSON are strings; `isGeneral` is explained where mappings are read. null: the member is
 * left out.
 */
export function readKey(node: Scalar, isGeneral: boolean): string | null {
  const resolved = resolveNode(node);
  if (resolved.kind === "null") {
    if (isGeneral) throw new BuiltinError("null cannot be a key");
    return null;
  }
  const isTime = node.tag === timestamp;
  if (!isGeneral) return isTime ? (node.source ?? "") : textOf(node);
  if (isTime) throw new BuiltinError("a time cannot be a key");
  if (resolved.kind === "boolean" || resolved.kind === "integer") return String(resolved.value);
  return resolved.kind === "float" ? printSingle(resolved.value) : textOf(node);
}

export function isString(node: Scalar): boolean {
  const isOther = node.tag === timestamp || node.tag === `${prefix}binary`;
  return !isOther && resolveNode(node).kind === "string";
}

function resolveNode(node: Scalar): Resolved {
  const text = node.source ?? "";
  const { tag } = node;
  if (tag === undefined || tag === "!") {
    return node.type === undefined || node.type === "PLAIN" ? resolve(text) : { kind: "string" };
  }
  const name = tag.startsWith(prefix) ? tag.slice(prefix.length) : "";
  const wanted = kinds[name];
  if (tag === timestamp && parseTimestamp(text) === null) {
    throw new BuiltinError(`${text} is not a timestamp`);
  }
  return wanted === undefined ? { kind: "string" } : convert(resolve(text), wanted);
}

function convert(resolved: Resolved, wanted: Resolved["kind"]): Resolved {
  if (resolved.kind === wanted) return resolved;
  if (resolved.kind === "integer" && wanted === "float") {
    return { kind: "float", value: Number(resolved.value) };
  }
  throw new BuiltinError("the scalar is not what its tag says");
}

function textOf(node: Scalar): string {
  const text = node.source ?? "";
  if (node.tag === timestamp) return parseTimestamp(text) ?? text;
  return node.tag === `${prefix}binary` ? decode(text) : text;
}

const base64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

/** Line breaks in it do not count; what is no UTF-8 becomes U+FFFD. */
function decode(text: string): string {
  const digits = text.replace(/[\r\n]/g, "");
  if (!base64.test(digits)) throw new BuiltinError("it is not base64");
  const bytes = Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
