/** A bundle's `.manifest`: what it claims to hold, and what it declares about its decision. */
import * as v from "valibot";
import { AppError } from "../errors.ts";

const schema = v.object({
  revision: v.optional(v.string(), ""),
  /** Absent: the bundle may hold everything. */
  roots: v.optional(v.array(v.string()), [""]),
  wasm: v.optional(v.array(v.object({ entrypoint: v.string(), module: v.string() })), []),
  metadata: v.optional(
    v.object({
      bouncer: v.optional(v.object({ input: v.optional(v.array(v.string())) })),
    }),
  ),
});

export interface Manifest {
  readonly revision: string;
  /** Paths in `data`, as segments; the empty one is everything. */
  readonly roots: readonly (readonly string[])[];
  readonly resolvers: readonly { readonly entrypoint: string; readonly module: string }[];
  /** Dotted paths of the input that the decision reads; null when nothing is declared. */
  readonly inputFields: readonly string[] | null;
}

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot read .manifest: ${reason}`, { cause });
}

export function parseManifest(text: string): Manifest {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refuse(`${v.getDotPath(issue) ?? "file"}: ${issue.message}`);
  }
  const { revision, roots, wasm, metadata } = parsed.output;
  return {
    revision,
    roots: parseRoots(roots),
    resolvers: wasm,
    inputFields: metadata?.bouncer?.input ?? null,
  };
}

function parseRoots(texts: readonly string[]): readonly (readonly string[])[] {
  const roots = texts.map((text) => text.split("/").filter((segment) => segment !== ""));
  for (const [at, root] of roots.entries()) {
    const other = roots.findIndex((candidate, index) => index !== at && isAbove(candidate, root));
    if (other >= 0) throw refuse(`roots "${texts[other]}" and "${texts[at]}" overlap`);
  }
  return roots;
}

/** `a/b` is above itself and `a/b/c`, not above `a/bc`. */
function isAbove(root: readonly string[], path: readonly string[]): boolean {
  return root.every((segment, index) => path[index] === segment);
}

export function isOwned(manifest: Manifest, path: readonly string[]): boolean {
  return manifest.roots.some((root) => isAbove(root, path));
}

/** The first path of `data` that is not under a root; null when all is. */
export function findForeign(
  manifest: Manifest,
  value: unknown,
  path: readonly string[] = [],
): readonly string[] | null {
  if (isOwned(manifest, path)) return null;
  const leadsToRoot = manifest.roots.some((root) => isAbove(path, root));
  if (!leadsToRoot || typeof value !== "object" || value === null) return path;
  for (const [key, child] of Object.entries(value)) {
    const foreign = findForeign(manifest, child, [...path, key]);
    if (foreign !== null) return foreign;
  }
  return null;
}
