/** The keywords of one object of a schema, each with the type that it must have. Pure. */
import { BuiltinError } from "../../builtin.ts";
import { compareNumbers, RegoNumber } from "../../number.ts";
import { isArray, RegoObject, type Value } from "../../value.ts";
import { canonical } from "./canonical.ts";
import type { Schema } from "./compile.ts";
import { isWhole } from "./number.ts";

type Compile = (value: Value) => Schema;

const typeNames = ["array", "boolean", "integer", "number", "null", "object", "string"];

function mistake(text: string): never {
  throw new BuiltinError(text);
}

/** The words are in OPA's order: what it calls given is the keyword. */
function wrongType(expected: string, keyword: string): never {
  return mistake(`Invalid type. Expected: ${expected}, given: ${keyword}`);
}

export class Keywords {
  readonly node: RegoObject;
  readonly #draft: number;

  constructor(value: Value, draft: number) {
    if (!(value instanceof RegoObject)) {
      throw new BuiltinError("Expected: Valid Schema, given: Invalid JSON");
    }
    this.node = value;
    this.#draft = draft;
  }

  text(name: string): string | null {
    const value = this.node.get(name);
    if (value === undefined) return null;
    return typeof value === "string" ? value : wrongType("string", name);
  }

  /** Members in the order of their names. */
  table<T>(
    name: string,
    expected: string | null,
    read: (value: Value) => T,
  ): readonly (readonly [string, T])[] {
    const value = this.node.get(name);
    if (value === undefined) return [];
    if (!(value instanceof RegoObject)) return wrongType(expected ?? "Valid Schema", name);
    return value.sorted().map(([key, member]) => {
      if (expected !== null && !(member instanceof RegoObject) && typeof member !== "boolean") {
        return wrongType(expected, name);
      }
      return [typeof key === "string" ? key : "", read(member)];
    });
  }

  list<T>(name: string, read: (value: Value) => T): readonly T[] | null {
    const value = this.node.get(name);
    if (value === undefined) return null;
    return isArray(value) ? value.map(read) : mistake(`${name} must be of an array`);
  }

  types(): readonly string[] {
    const value = this.node.get("type");
    if (value === undefined) return [];
    const list = isArray(value) ? value : [value];
    const types: string[] = [];
    for (const type of list) {
      if (typeof type !== "string") return wrongType("type", "string/Array Of Strings");
      if (!typeNames.includes(type)) {
        mistake(
          `has a primitive type that is NOT VALID -- given: /${type}/ Expected valid values are:[${typeNames.join(" ")}]`,
        );
      }
      if (types.includes(type)) mistake(`${type} type is duplicated`);
      types.push(type);
    }
    return types;
  }

  properties(compile: Compile): ReadonlyMap<string, Schema> {
    const value = this.node.get("properties");
    if (value !== undefined && !(value instanceof RegoObject)) {
      mistake("Properties must be of type object");
    }
    return new Map(this.table("properties", null, compile));
  }

  flagOr(name: string, compile: Compile): Schema | boolean | null {
    const value = this.node.get(name);
    if (value === undefined) return null;
    if (typeof value === "boolean") return value;
    return value instanceof RegoObject ? compile(value) : wrongType("boolean/Valid Schema", name);
  }

  schema(name: string, compile: Compile): Schema | null {
    const value = this.node.get(name);
    if (value === undefined) return null;
    if (typeof value === "boolean" || value instanceof RegoObject) return compile(value);
    return name === "propertyNames"
      ? wrongType("Valid Schema", "patternProperties")
      : mistake(`${name} must be of an object`);
  }

  anySchema(name: string, compile: Compile): Schema | null {
    const value = this.node.get(name);
    return value === undefined ? null : compile(value);
  }

  items(compile: Compile): Schema | readonly Schema[] | null {
    const value = this.node.get("items");
    if (value === undefined) return null;
    const read = (item: Value): Schema => {
      const isSchema = item instanceof RegoObject || typeof item === "boolean";
      return isSchema ? compile(item) : wrongType("Valid Schema/Array Of Schemas", "items");
    };
    return isArray(value) ? value.map(read) : read(value);
  }

  dependencies(compile: Compile): ReadonlyMap<string, Schema | readonly string[]> {
    const value = this.node.get("dependencies");
    if (value !== undefined && !(value instanceof RegoObject)) {
      mistake("dependencies must be of type object");
    }
    const table = this.table("dependencies", null, (member): Schema | readonly string[] => {
      if (member instanceof RegoObject || typeof member === "boolean") return compile(member);
      const names = isArray(member) ? member.filter((name) => typeof name === "string") : [];
      if (!isArray(member) || names.length < member.length) {
        mistake("Dependency must be of type Schema Or Array Of Strings");
      }
      return names;
    });
    return new Map(table);
  }

  bounds(): ReadonlyMap<string, RegoNumber> {
    const bounds = new Map<string, RegoNumber>();
    const multiple = this.node.get("multipleOf");
    if (multiple !== undefined) {
      if (!(multiple instanceof RegoNumber)) return wrongType("Number", "multipleOf");
      if (compareNumbers(multiple, RegoNumber.of(0)) <= 0) {
        mistake("multipleOf must be strictly greater than 0");
      }
      bounds.set("multipleOf", multiple);
    }
    this.#bound(bounds, "minimum", "exclusiveMinimum");
    this.#bound(bounds, "maximum", "exclusiveMaximum");
    return bounds;
  }

  /** In draft 4, a boolean says that the bound itself is out; later on it is a bound of its own. */
  #bound(bounds: Map<string, RegoNumber>, name: string, exclusive: string): void {
    const bound = this.node.get(name);
    if (bound instanceof RegoNumber) bounds.set(name, bound);
    else if (bound !== undefined) mistake(`${name} must be of a Number`);
    const value = this.node.get(exclusive);
    if (value !== undefined) this.#exclude(bounds, name, exclusive, value);
  }

  #exclude(bounds: Map<string, RegoNumber>, name: string, exclusive: string, value: Value): void {
    const takesFlag = this.#draft === 4 || this.#draft > 7;
    if (takesFlag && typeof value === "boolean") {
      const inclusive = bounds.get(name);
      if (inclusive === undefined) return mistake(`${exclusive} cannot be used without ${name}`);
      if (!value) return;
      bounds.set(exclusive, inclusive);
      bounds.delete(name);
      return;
    }
    const expected = this.#draft === 4 ? "boolean" : takesFlag ? "boolean/number" : "number";
    if (this.#draft === 4 || !(value instanceof RegoNumber)) return wrongType(expected, exclusive);
    bounds.set(exclusive, value);
  }

  limits(): ReadonlyMap<string, number> {
    const limits = new Map<string, number>();
    for (const [least, most] of pairs) {
      for (const name of [least, most]) this.#limit(limits, name);
      if ((limits.get(least) ?? 0) > (limits.get(most) ?? Infinity) && least !== "minItems") {
        mistake(`${least} cannot be greater than ${most}`);
      }
    }
    return limits;
  }

  #limit(limits: Map<string, number>, name: string): void {
    const value = this.node.get(name);
    if (value === undefined) return;
    const isInteger = value instanceof RegoNumber && isWhole(value) && /^-?\d+$/.test(value.text);
    if (!isInteger) return mistake(`${name} must be of an integer`);
    const limit = value.toNumber();
    if (limit < 0) mistake(`${name} must be greater than or equal to 0`);
    limits.set(name, limit);
  }

  required(): readonly string[] {
    const names =
      this.list("required", (name) =>
        typeof name === "string" ? name : wrongType("string", "required"),
      ) ?? [];
    if (new Set(names).size < names.length) mistake("required items must be unique");
    return names;
  }

  unique(): boolean {
    const value = this.node.get("uniqueItems");
    if (value === undefined) return false;
    return typeof value === "boolean" ? value : mistake("uniqueItems must be of a boolean");
  }

  constant(): string | null {
    const value = this.node.get("const");
    return value === undefined ? null : canonical(value);
  }
}

const pairs = [
  ["minLength", "maxLength"],
  ["minProperties", "maxProperties"],
  ["minItems", "maxItems"],
] as const;
