/** Built-in function json.patch: RFC 6902, over sets and keys of any type as well. Pure. */
import { BuiltinError, type Builtins, type Operands, type Query } from "../builtin.ts";
import { equals, isArray, RegoObject, RegoSet, type Value } from "../value.ts";
import { type Path, parsePath } from "./patch/path.ts";
import { Document } from "./patch/tree.ts";

/** Values and characters that copies may add: each could double the document. */
const maxCopied = 4_000_000;

function patch(operands: Operands, query: Query): Value {
  const document = new Document(operands.value(0));
  let copied = 0;
  for (const operation of operands.array(1)) {
    query.checkTime();
    if (!(operation instanceof RegoObject))
      throw new BuiltinError("an operation must be an object");
    copied += apply(document, operation, maxCopied - copied);
  }
  return document.get([]);
}

/** Gives the size of what it has copied. */
function apply(document: Document, operation: RegoObject, mayCopy: number): number {
  const path = parsePath(attribute(operation, "path"));
  const op = attribute(operation, "op");
  switch (typeof op === "string" ? op : "") {
    case "add":
      document.insert(path, attribute(operation, "value"));
      return 0;
    case "remove":
      document.remove(path);
      return 0;
    case "replace":
      document.remove(path);
      document.insert(path, attribute(operation, "value"));
      return 0;
    case "move":
      move(document, parsePath(attribute(operation, "from")), path);
      return 0;
    case "copy": {
      const value = document.get(parsePath(attribute(operation, "from")));
      document.insert(path, value);
      return measure(value, mayCopy);
    }
    case "test":
      if (equals(document.get(path), attribute(operation, "value"))) return 0;
      throw new BuiltinError("the value is not the one that was tested for");
    default:
      throw new BuiltinError("the operation is not known");
  }
}

function attribute(operation: RegoObject, name: string): Value {
  const value = operation.get(name);
  if (value === undefined) throw new BuiltinError(`an operation has no ${name}`);
  return value;
}

function move(document: Document, from: Path, to: Path): void {
  const value = document.get(from);
  document.remove(from);
  document.insert(to, value);
}

/** Values and characters that the value consists of; throws when there are more than `limit`. */
function measure(value: Value, limit: number): number {
  let size = typeof value === "string" ? value.length : 1;
  if (size > limit) throw new BuiltinError("the patched document is too large");
  for (const member of membersOf(value)) size += measure(member, limit - size);
  return size;
}

function membersOf(value: Value): Iterable<Value> {
  if (value instanceof RegoObject) return [...value].flat();
  return value instanceof RegoSet || isArray(value) ? value : [];
}

export const builtins: Builtins = { "json.patch": patch };
