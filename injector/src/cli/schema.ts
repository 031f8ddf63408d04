/**
 * YAML as kubectl reads it: Kubernetes' parser resolves plain scalars by YAML 1.1 with exceptions of
 * its own (`0644` is 420, `yes` is true, `1:30` and `2026-01-01` are text). Any other reading would
 * change values of documents that are written again.
 */
import {
  boolCoreTag,
  CORE_SCHEMA,
  defineScalarTag,
  DUMP_SCHEMA,
  floatCoreTag,
  intCoreTag,
  mergeTag,
  NOT_RESOLVED,
} from "js-yaml";

const booleans = new Map<string, boolean>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map(
    (word) => [word, true] as const,
  ),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map(
    (word) => [word, false] as const,
  ),
]);

const boolTag = defineScalarTag<boolean>(boolCoreTag.tagName, {
  implicit: true,
  resolve: (source) => booleans.get(source) ?? NOT_RESOLVED,
  identify: (value) => typeof value === "boolean",
});

/** Go's `strconv.ParseInt(source, 0, 64)` after removing underscores. */
const integerForms: readonly (readonly [form: RegExp, base: number])[] = [
  [/^[-+]?0[xX]([0-9a-fA-F]+)$/, 16],
  [/^[-+]?0[oO]?([0-7]+)$/, 8],
  [/^[-+]?0[bB]([01]+)$/, 2],
  [/^0b[-+]([01]+)$/, 2],
  [/^[-+]?(0|[1-9][0-9]*)$/, 10],
];

function resolveInteger(source: string): number | typeof NOT_RESOLVED {
  if (!/^[-+0-9]/.test(source)) return NOT_RESOLVED;
  const plain = source.replaceAll("_", "");
  for (const [form, base] of integerForms) {
    const digits = form.exec(plain)?.[1];
    if (digits !== undefined) return Number.parseInt(digits, base) * (plain.includes("-") ? -1 : 1);
  }
  return NOT_RESOLVED;
}

const intTag = defineScalarTag<number>(intCoreTag.tagName, {
  implicit: true,
  resolve: resolveInteger,
  identify: Number.isInteger,
});

const infinities = new Map([
  ["", Number.POSITIVE_INFINITY],
  ["+", Number.POSITIVE_INFINITY],
  ["-", Number.NEGATIVE_INFINITY],
]);

function resolveFloat(source: string): number | typeof NOT_RESOLVED {
  if (/^\.(nan|NaN|NAN)$/.test(source)) return Number.NaN;
  const infinity = /^([-+]?)\.(inf|Inf|INF)$/.exec(source)?.[1];
  if (infinity !== undefined) return infinities.get(infinity) ?? NOT_RESOLVED;
  if (!/^[-+.0-9]/.test(source)) return NOT_RESOLVED;
  const plain = source.startsWith(".") ? source : source.replaceAll("_", "");
  const isFloat = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(plain);
  return isFloat && Number.isFinite(Number(plain)) ? Number(plain) : NOT_RESOLVED;
}

const floatTag = defineScalarTag<number>(floatCoreTag.tagName, {
  implicit: true,
  resolve: resolveFloat,
  identify: (value) => typeof value === "number",
});

export const kubernetesSchema = CORE_SCHEMA.withTags(boolTag, intTag, floatTag, mergeTag);

/**
 * For writing: what Kubernetes, YAML 1.1 or YAML 1.2 would take for something else than text is
 * quoted. The library's own schema covers the latter two.
 */
export const writingSchema = DUMP_SCHEMA.withTags(
  DUMP_SCHEMA.tags.flatMap((tag) => {
    const ours = [intTag, floatTag].find(({ tagName }) => tagName === tag.tagName);
    if (ours === undefined || tag.nodeKind !== "scalar") return [];
    const resolve = (source: string, isExplicit: boolean, tagName: string): unknown => {
      const value: unknown = ours.resolve(source, isExplicit, tagName);
      return value === NOT_RESOLVED ? tag.resolve(source, isExplicit, tagName) : value;
    };
    return [{ ...tag, resolve, implicitFirstChars: null }];
  }),
);
