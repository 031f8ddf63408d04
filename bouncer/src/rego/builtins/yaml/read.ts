/**
 * YAML as a value: the first document of the text, as OPA reads it. The package reads the syntax;
 * what scalars, keys, aliases and merges mean is decided here, as Go's YAML library does.
 */
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Parser,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { BuiltinError } from "../../builtin.ts";
import { RegoObject, type Value } from "../../value.ts";
import { Aliases } from "./aliases.ts";
import { isString, readKey, readScalar } from "./plain.ts";

/** Characters of a text: what is read in one piece cannot be stopped when the time is over. */
const maxText = 250_000;

/** What YAML does not allow anywhere, and what no UTF-8 has. */
const forbidden = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

const endsNothing = /^(?:[ \t]*(?:#.*)?\n)*\.\.\.(?:\s|$)/;

export function readYaml(text: string): Value {
  if (text.length > maxText) throw new BuiltinError("the text is too long");
  if (/^[ \r\n\x85\u2028\u2029]*$/.test(text)) return null;
  if (forbidden.test(text)) throw new BuiltinError("there is a control character");
  if (endsNothing.test(text)) throw new BuiltinError("a document ends before it begins");
  try {
    const documents = compose(text.replaceAll("\u{85}", "\n"));
    const aliases = new Aliases(documents);
    const contents = documents[0]?.contents;
    return isNode(contents) ? new Reader(aliases).node(contents) : null;
  } catch (error) {
    // Too many levels for the stack.
    if (error instanceof RangeError) throw new BuiltinError("it is nested too deep");
    throw error;
  }
}

/** All documents have to be well-formed, although only the first one is used. */
function compose(text: string): readonly Document.Parsed[] {
  const composer = new Composer({
    schema: "failsafe",
    uniqueKeys: false,
    merge: false,
    resolveKnownTags: false,
    logLevel: "silent",
    keepSourceTokens: false,
  });
  const documents = [...composer.compose(new Parser().parse(text))];
  const streams = [...documents, composer.streamInfo()];
  const error =
    streams.flatMap(({ errors }) => errors)[0] ??
    // Directives that are not known are no error in the package, but in Go's library.
    streams.flatMap(({ warnings }) => warnings).find(({ code }) => code === "BAD_DIRECTIVE");
  if (error !== undefined) throw new BuiltinError(error.message);
  const last = lastScalar(documents[documents.length - 1]?.contents);
  if (last?.type?.startsWith("BLOCK") === true && !/[\r\n]$/.test(text)) {
    // The package adds a line break to a block that the text ends without.
    last.source = last.source?.replace(/\n$/, "") ?? "";
  }
  return documents;
}

function lastScalar(contents: unknown): Scalar | null {
  let node = contents;
  for (;;) {
    if (isMap(node)) node = node.items.at(-1)?.value;
    else if (isSeq(node)) node = node.items.at(-1);
    else return isScalar(node) ? node : null;
  }
}

class Reader {
  readonly #aliases: Aliases;

  constructor(aliases: Aliases) {
    this.#aliases = aliases;
  }

  node(node: unknown): Value {
    this.#aliases.count();
    if (isAlias(node)) return this.#aliases.follow(node, (target) => this.node(target));
    if (isMap(node)) return this.#map(node);
    if (isSeq(node)) return node.items.map((item) => this.node(item));
    if (isScalar(node)) return this.#aliases.measured(readScalar(node));
    return null;
  }

  #map(node: YAMLMap): Value {
    const members = new Map<string, Value>();
    this.#fill(members, node, !hasOnlyStrings(node));
    return new RegoObject(members);
  }

  /**
   * Members that are there already stay. `isGeneral`: a key that is no string becomes what it means
   * (`0x10` is 16), else it stays as it is written, as OPA has it in mappings of strings only.
   */
  #fill(members: Map<string, Value>, node: YAMLMap, isGeneral: boolean): void {
    const last = new Map<string, unknown>();
    const merges: unknown[] = [];
    for (const { key, value } of node.items) {
      if (isMerge(key)) {
        merges.push(value);
        continue;
      }
      const name = this.#key(key, isGeneral);
      if (name !== null) last.set(name, value);
    }
    for (const [key, value] of last) {
      if (!members.has(key)) members.set(key, this.node(value));
    }
    const sources = merges.flatMap(itemsOf);
    if (merges.length > 1 && sources.length < 2) throw new BuiltinError("<< is there twice");
    for (const source of sources) this.#merge(members, source, isGeneral);
  }

  #key(node: unknown, isGeneral: boolean): string | null {
    this.#aliases.count();
    if (isAlias(node)) return this.#aliases.follow(node, (target) => this.#key(target, isGeneral));
    if (isScalar(node)) return readKey(node, isGeneral);
    throw new BuiltinError("a key must be a scalar");
  }

  #merge(members: Map<string, Value>, source: unknown, isGeneral: boolean): void {
    this.#aliases.count();
    if (isMap(source)) return this.#fill(members, source, isGeneral);
    if (!isAlias(source)) throw new BuiltinError("only mappings can be merged");
    this.#aliases.follow(source, (target) => {
      if (!isMap(target)) throw new BuiltinError("only mappings can be merged");
      this.#fill(members, target, isGeneral);
      return null;
    });
  }
}

function itemsOf(merged: unknown): readonly unknown[] {
  return isSeq(merged) ? merged.items : [merged];
}

function isMerge(key: unknown): boolean {
  return isScalar(key) && key.type === "PLAIN" && key.source === "<<" && key.tag === undefined;
}

function hasOnlyStrings(node: YAMLMap): boolean {
  return node.items.every(({ key }) => isMerge(key) || (isScalar(key) && isString(key)));
}
