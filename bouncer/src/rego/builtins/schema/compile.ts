/**
 * JSON schemas of drafts 4, 6 and 7, read into what documents are checked by. Mistakes in a schema
 * are told in the words of OPA. Nothing of a schema becomes code.
 */
import { RE2JS } from "re2js";
import { BuiltinError } from "../../builtin.ts";
import type { RegoNumber } from "../../number.ts";
import { RegoObject, type Value } from "../../value.ts";
import { toKnownNames } from "../../text/property-name.ts";
import { canonical } from "./canonical.ts";
import { Keywords } from "./keywords.ts";
import { References } from "./references.ts";

export interface Schema {
  readonly isAlways: boolean | null;
  readonly target: (() => Schema) | null;
  readonly types: readonly string[];
  readonly properties: ReadonlyMap<string, Schema>;
  readonly patternProperties: readonly (readonly [RE2JS, Schema])[];
  readonly additionalProperties: Schema | boolean | null;
  readonly propertyNames: Schema | null;
  readonly dependencies: ReadonlyMap<string, Schema | readonly string[]>;
  readonly items: Schema | readonly Schema[] | null;
  readonly additionalItems: Schema | boolean | null;
  readonly contains: Schema | null;
  readonly required: readonly string[];
  readonly unique: boolean;
  readonly pattern: RE2JS | null;
  readonly format: string;
  readonly constant: string | null;
  readonly allowed: readonly string[] | null;
  readonly limits: ReadonlyMap<string, number>;
  readonly bounds: ReadonlyMap<string, RegoNumber>;
  readonly oneOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly allOf: readonly Schema[];
  readonly not: Schema | null;
  readonly condition: Schema | null;
  readonly onTrue: Schema | null;
  readonly onFalse: Schema | null;
}

const empty: Schema = {
  isAlways: null,
  target: null,
  types: [],
  properties: new Map(),
  patternProperties: [],
  additionalProperties: null,
  propertyNames: null,
  dependencies: new Map(),
  items: null,
  additionalItems: null,
  contains: null,
  required: [],
  unique: false,
  pattern: null,
  format: "",
  constant: null,
  allowed: null,
  limits: new Map(),
  bounds: new Map(),
  oneOf: [],
  anyOf: [],
  allOf: [],
  not: null,
  condition: null,
  onTrue: null,
  onFalse: null,
};

const drafts: ReadonlyMap<string, number> = new Map([
  ["http://json-schema.org/draft-04/schema", 4],
  ["http://json-schema.org/draft-06/schema", 6],
  ["http://json-schema.org/draft-07/schema", 7],
]);

/** What OPA takes where a schema does not say its draft: the newest, and what was in draft 4. */
const anyDraft = 8;

export function compileSchema(root: Value): Schema {
  return new Compiler(root).compile(root);
}

function draftOf(root: Value): number {
  if (typeof root === "boolean") return anyDraft;
  if (!(root instanceof RegoObject)) throw new BuiltinError("schema is invalid");
  const uri = root.has("$schema") ? root.get("$schema") : "";
  if (typeof uri !== "string") throw new BuiltinError("$schema must be of type string");
  return drafts.get(uri.replace(/#$/, "")) ?? anyDraft;
}

class Compiler {
  readonly #references: References;
  readonly #draft: number;
  readonly #targets = new Map<string, Schema>();

  constructor(root: Value) {
    this.#draft = draftOf(root);
    this.#references = new References(root);
  }

  readonly compile = (value: Value): Schema => {
    if (typeof value === "boolean" && this.#draft >= 6) return { ...empty, isAlways: value };
    const keywords = new Keywords(value, this.#draft);
    keywords.table("definitions", "Array Of Schemas", this.compile);
    keywords.text("title");
    keywords.text("description");
    const reference = keywords.text("$ref");
    return reference === null ? this.#describe(keywords) : this.#refer(keywords.node, reference);
  };

  #refer(node: RegoObject, reference: string): Schema {
    const absolute = this.#references.absolute(node, reference);
    if (!this.#targets.has(absolute)) {
      const found = this.#references.find(absolute);
      if (!(found instanceof RegoObject) && typeof found !== "boolean") {
        throw new BuiltinError("Valid Schema must be of type object");
      }
      // Known before it is there: it may refer to itself.
      this.#targets.set(absolute, empty);
      this.#targets.set(absolute, this.compile(found));
    }
    return { ...empty, target: () => this.#targets.get(absolute) ?? empty };
  }

  #describe(keywords: Keywords): Schema {
    const { compile } = this;
    return {
      ...empty,
      types: keywords.types(),
      properties: keywords.properties(compile),
      additionalProperties: keywords.flagOr("additionalProperties", compile),
      patternProperties: this.#patternProperties(keywords),
      propertyNames: this.#since(6, () => keywords.schema("propertyNames", compile)),
      dependencies: keywords.dependencies(compile),
      items: keywords.items(compile),
      additionalItems: keywords.flagOr("additionalItems", compile),
      bounds: keywords.bounds(),
      limits: keywords.limits(),
      pattern: this.#pattern(keywords),
      format: keywords.text("format") ?? "",
      required: keywords.required(),
      unique: keywords.unique(),
      contains: this.#since(6, () => keywords.anySchema("contains", compile)),
      constant: this.#since(6, () => keywords.constant()),
      allowed: this.#allowed(keywords),
      oneOf: keywords.list("oneOf", compile) ?? [],
      anyOf: keywords.list("anyOf", compile) ?? [],
      allOf: keywords.list("allOf", compile) ?? [],
      not: keywords.schema("not", compile),
      condition: this.#since(7, () => keywords.schema("if", compile)),
      onTrue: this.#since(7, () => keywords.schema("then", compile)),
      onFalse: this.#since(7, () => keywords.schema("else", compile)),
    };
  }

  #since<T>(draft: number, read: () => T | null): T | null {
    return this.#draft >= draft ? read() : null;
  }

  #patternProperties(keywords: Keywords): Schema["patternProperties"] {
    const table = keywords.table("patternProperties", null, (value) => value);
    return table.map(([text, value]) => {
      const pattern = toPattern(text);
      if (pattern === null) throw new BuiltinError(`Invalid regex pattern '${text}'`);
      return [pattern, this.compile(value)];
    });
  }

  #pattern(keywords: Keywords): RE2JS | null {
    const text = keywords.text("pattern");
    if (text === null) return null;
    const pattern = toPattern(text);
    if (pattern === null) throw new BuiltinError("pattern must be a valid regex");
    return pattern;
  }

  #allowed(keywords: Keywords): readonly string[] | null {
    const texts = keywords.list("enum", canonical);
    if (texts !== null && new Set(texts).size < texts.length)
      throw new BuiltinError("enum items must be unique");
    return texts;
  }
}

export function toPattern(text: string): RE2JS | null {
  try {
    return RE2JS.compile(toKnownNames(text));
  } catch {
    return null;
  }
}
