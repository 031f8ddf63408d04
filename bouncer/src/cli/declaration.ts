/**
 * From OPA's analysis of what a decision depends on to what the bundle declares: the fields of the
 * input that are built for it, and by which its decisions are remembered. Pure.
 */
import * as v from "valibot";
import {
  declareBelow,
  declareWhole,
  placeholderOf,
  planInput,
  toDeclarable,
} from "../policy/fields.ts";

const segment = v.object({ type: v.string(), value: v.unknown() });
const schema = v.object({ base: v.optional(v.nullable(v.array(v.array(segment)))) });

export type Declaration =
  /** `ignored`: fields that no bouncer ever has; they stay undefined. */
  | {
      readonly kind: "fields";
      readonly fields: readonly string[];
      readonly ignored: readonly string[];
    }
  /** The decision depends on the input as a whole; null: declaring nothing does. */
  | { readonly kind: "everything"; readonly fields: readonly string[] | null };

/**
 * `dependencies`: what `opa deps --format json` prints. Throws a SyntaxError for anything else. It
 * ends where a rule hands on an object: of what lies in that, `mentioned` has the names, as far as
 * they are of fields that are built only for those who name them.
 */
export function declare(dependencies: string, mentioned: readonly string[]): Declaration {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), dependencies);
  if (!parsed.success) throw new SyntaxError("opa deps printed something else than expected");
  const paths = new Map<string, Path>();
  for (const [root, ...rest] of parsed.output.base ?? []) {
    if (root?.value !== "input") continue;
    const path = readPath(rest);
    if (path.length === 0) return { kind: "everything", fields: declareWhole(mentioned) };
    paths.set(JSON.stringify(path), path);
  }
  const all = withoutMembers([...paths.values()]);
  const known = all.filter(isKnown).map(nameOf);
  const ignored = all.filter((path) => !isKnown(path));
  const hidden = known.flatMap((path) => declareBelow(path, mentioned));
  const around = ignored.flatMap((path) => placeholderOf(path) ?? []);
  return {
    kind: "fields",
    fields: [...new Set([...known, ...hidden, ...around])].toSorted(),
    ignored: ignored.map(nameOf).toSorted(),
  };
}

type Path = readonly string[];

function nameOf(path: Path): string {
  return path.join(".");
}

function isKnown(path: Path): boolean {
  return planInput([nameOf(path)]).kind === "plan";
}

/** Up to the first step that is not a name: an index, or something that only evaluation knows. */
function readPath(steps: readonly v.InferOutput<typeof segment>[]): readonly string[] {
  const path: string[] = [];
  for (const { type, value } of steps) {
    if (type !== "string" || typeof value !== "string") break;
    path.push(value);
  }
  return toDeclarable(path);
}

/** A field stands for all that is below it; what only begins with its name is another. */
function withoutMembers(paths: readonly Path[]): readonly Path[] {
  return paths.filter(
    (path) =>
      !paths.some(
        (other) => other.length < path.length && other.every((step, at) => step === path[at]),
      ),
  );
}
