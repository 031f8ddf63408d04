/**
 * `AUDIT_MASKS`: what an operator wants gone from audit records. As OPA's decision log does with a
 * mask that is only a path: the value is removed, its pointer is listed in `erased`, a pointer to
 * what is not there is ignored. Beyond OPA: where the record holds the same fact a second time (the
 * path in `:path`, in `parsed_path` and in `request.target`), all of it goes. Pure.
 */

/** Keys, not escaped; the first is `input` or `result`. */
export type Pointer = readonly string[];

/** Facts of a request that the record shows besides the documents. */
export type Fact = "method" | "target" | "host" | "source";

export interface Erasures {
  readonly pointers: readonly Pointer[];
  /** Names of query parameters, decoded; null: none, `all`: every one. */
  readonly parameters: ReadonlySet<string> | "all";
  readonly facts: ReadonlySet<Fact>;
}

export const noErasures: Erasures = { pointers: [], parameters: new Set(), facts: new Set() };

const http = ["input", "attributes", "request", "http"];
const headers = [...http, "headers"];
const peer = ["input", "attributes", "source", "address", "socketAddress", "address"];
const query = ["input", "parsed_query"];

/** Where the documents hold each fact. */
const places: Readonly<Record<Fact, readonly Pointer[]>> = {
  method: [
    [...http, "method"],
    [...headers, ":method"],
  ],
  target: [
    [...http, "path"],
    [...headers, ":path"],
    ["input", "parsed_path"],
  ],
  host: [
    [...http, "host"],
    [...headers, ":authority"],
    [...headers, "host"],
    [...headers, "x-forwarded-host"],
  ],
  source: [peer, [...headers, "x-forwarded-for"]],
};

const facts: readonly Fact[] = ["method", "target", "host", "source"];

/** RFC 6901; null when it is none, or not one of a document. */
export function parsePointer(text: string): Pointer | null {
  if (!/^\/(?:input|result)(?:\/(?:[^~/]|~[01])+)*$/.test(text)) return null;
  const keys = text
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  // Headers are in lower case there: another case would erase nothing, and look as if it did.
  const name = startsWith(keys, headers) ? (keys[headers.length] ?? "") : "";
  return name === name.toLowerCase() ? keys : null;
}

export function formatPointer(keys: Pointer): string {
  return keys.map(formatKey).join("");
}

/** One step of a pointer, with its slash. Hardly any key has something to escape. */
export function formatKey(key: string): string {
  return key.includes("~") || key.includes("/")
    ? `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`
    : `/${key}`;
}

function startsWith(keys: Pointer, start: Pointer): boolean {
  return start.every((key, at) => keys[at] === key);
}

function touches(one: Pointer, other: Pointer): boolean {
  return startsWith(one, other) || startsWith(other, one);
}

export function planErasures(pointers: readonly Pointer[]): Erasures {
  const gone = facts.filter((fact) =>
    places[fact].some((place) => pointers.some((pointer) => touches(pointer, place))),
  );
  const all = new Map<string, Pointer>();
  for (const pointer of [...pointers, ...gone.flatMap((fact) => places[fact])]) {
    all.set(formatPointer(pointer), pointer);
  }
  if (gone.includes("target")) all.set(formatPointer(query), query);
  const ofQuery = pointers.filter((pointer) => touches(pointer, query));
  const names = ofQuery.map((pointer) => pointer[query.length]);
  return {
    pointers: [...all.values()],
    parameters: names.includes(undefined)
      ? "all"
      : new Set(names.filter((name) => name !== undefined)),
    facts: new Set(gone),
  };
}

interface Tree {
  [key: string]: unknown;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function indexOf(list: readonly unknown[], key: string): number | null {
  const at = /^(?:0|[1-9]\d{0,8})$/.test(key) ? Number(key) : -1;
  return at >= 0 && at < list.length ? at : null;
}

function step(node: unknown, key: string): unknown {
  if (Array.isArray(node)) {
    const list: readonly unknown[] = node;
    const at = indexOf(list, key);
    return at === null ? undefined : list[at];
  }
  return isTree(node) && Object.hasOwn(node, key) ? node[key] : undefined;
}

/** Removes a member or an element in place; says whether it was there. */
function removeFrom(parent: unknown, key: string): boolean {
  if (Array.isArray(parent)) {
    const list: unknown[] = parent;
    const at = indexOf(list, key);
    if (at !== null) list.splice(at, 1);
    return at !== null;
  }
  if (!isTree(parent) || !Object.hasOwn(parent, key)) return false;
  delete parent[key];
  return true;
}

export interface Erased {
  readonly value: unknown;
  readonly pointers: readonly string[];
}

/** A document (`input` or `result`) without what is to be gone; what came in stays as it is. */
export function eraseFrom(document: unknown, root: string, { pointers }: Erasures): Erased {
  const ours = pointers.filter(([first]) => first === root);
  if (ours.length === 0 || document === undefined || document === null) {
    return { value: document, pointers: [] };
  }
  const holder: Tree = { [root]: structuredClone(document) };
  const erased = ours.filter((pointer) => {
    const parent = pointer.slice(0, -1).reduce<unknown>(step, holder);
    return removeFrom(parent, pointer.at(-1) ?? "");
  });
  return { value: holder[root], pointers: erased.map(formatPointer) };
}
