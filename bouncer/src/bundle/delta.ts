/**
 * `patch.json` of a delta bundle: changes to the data of the snapshot that came before it. They are
 * made in order, and all of them or none: whoever patches throws the tree away on an error. Pure.
 */
import { AppError } from "../errors.ts";
import { readJson } from "./json.ts";
import { isOwned, type Roots } from "./roots.ts";
import { type Branch, type Path, type Tree } from "./tree.ts";

export interface PatchOperation {
  readonly op: "upsert" | "remove" | "replace";
  readonly path: Path;
  readonly value: Tree;
}

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot read patch.json: ${reason}`, { cause });
}

/** Throws AppError for what cannot be a patch of the data under these roots. */
export function parsePatch(text: string, roots: Roots, limit: number): readonly PatchOperation[] {
  const operations = readList(text);
  if (operations.length === 0) {
    // OPA would take it for a snapshot without data, and erase what is there.
    throw refuse("it changes nothing");
  }
  if (operations.length > limit) throw refuse(`it has more than ${limit} operations`);
  return operations.map((operation, at) => parseOperation(operation, `data[${at}]`, roots));
}

function readList(text: string): readonly Tree[] {
  let tree: Tree;
  try {
    tree = readJson(text);
  } catch (error) {
    throw refuse("it is not JSON", error);
  }
  const list = tree instanceof Map ? (tree.get("data") ?? []) : null;
  if (!Array.isArray(list)) throw refuse('it has to be an object with a list "data"');
  return list;
}

function parseOperation(tree: Tree, where: string, roots: Roots): PatchOperation {
  const [op, path, value] = ["op", "path", "value"].map((key) =>
    tree instanceof Map ? tree.get(key) : undefined,
  );
  if (op !== "upsert" && op !== "remove" && op !== "replace") {
    const shown = typeof op === "string" ? `"${op}"` : "missing";
    throw refuse(`${where}.op is ${shown}, accepted are "upsert", "remove" and "replace"`);
  }
  if (typeof path !== "string") throw refuse(`${where}.path is not a text`);
  if (op !== "remove" && value === undefined) throw refuse(`${where} has no value`);
  const segments = parsePointer(path);
  if (segments === null) throw refuse(`${where}.path "${path}" has a wrong escape`);
  if (segments.length === 0) throw refuse(`${where}.path is the whole of the data`);
  if (!isOwned(roots, segments)) throw refuse(`${where}.path "${path}" is not under the roots`);
  return { op, path: segments, value: value ?? null };
}

/** A JSON pointer, and as in OPA percent-encoded besides; slashes at its ends do not count. */
function parsePointer(text: string): Path | null {
  const trimmed = text.replace(/^\/+|\/+$/g, "");
  if (trimmed === "") return [];
  try {
    return trimmed
      .split("/")
      .map((segment) => decodeURIComponent(segment).replaceAll("~1", "/").replaceAll("~0", "~"));
  } catch {
    return null;
  }
}

/** Changes `data`. */
export function applyPatch(data: Branch, operations: readonly PatchOperation[]): void {
  for (const [at, operation] of operations.entries()) {
    const problem = applyOperation(data, operation);
    if (problem === null) continue;
    const path = operation.path.join("/");
    throw refuse(`data[${at}] cannot ${operation.op} "${path}": ${problem}`);
  }
}

/** What is wrong with it, or null. */
function applyOperation(data: Branch, operation: PatchOperation): string | null {
  const { op, path } = operation;
  const parent = findParent(data, path.slice(0, -1), op === "upsert");
  const key = path.at(-1) ?? "";
  if (parent instanceof Map) return changeMember(parent, key, operation);
  if (Array.isArray(parent)) return changeItem(parent, key, operation);
  return parent;
}

/** The list or object at `path`, or what is wrong with the way to it. */
function findParent(data: Branch, path: Path, creates: boolean): Branch | Tree[] | string {
  let at: Branch | Tree[] = data;
  for (const key of path) {
    let child: Tree | undefined;
    if (Array.isArray(at)) child = at[parseIndex(key, at.length) ?? -1];
    else {
      child = at.get(key);
      if (child === undefined && creates) {
        child = new Map();
        at.set(key, child);
      }
    }
    if (child === undefined) return `there is no "${key}"`;
    if (!(child instanceof Map) && !Array.isArray(child))
      return `"${key}" is no object and no list`;
    at = child;
  }
  return at;
}

function changeMember(parent: Branch, key: string, operation: PatchOperation): string | null {
  if (operation.op !== "upsert" && !parent.has(key)) return "it is not there";
  if (operation.op === "remove") parent.delete(key);
  else parent.set(key, operation.value);
  return null;
}

/** An upsert inserts before the item with the index, or at the end (`-`, or the length). */
function changeItem(parent: Tree[], key: string, operation: PatchOperation): string | null {
  const { op, value } = operation;
  if (op === "upsert" && (key === "-" || key === String(parent.length))) {
    parent.push(value);
    return null;
  }
  const index = parseIndex(key, parent.length);
  if (index === null) return `"${key}" is no index of a list of ${parent.length}`;
  if (op === "upsert") parent.splice(index, 0, value);
  else if (op === "remove") parent.splice(index, 1);
  else parent[index] = value;
  return null;
}

function parseIndex(key: string, length: number): number | null {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(key)) return null;
  const index = Number(key);
  return index < length ? index : null;
}
