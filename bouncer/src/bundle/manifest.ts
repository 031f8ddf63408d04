/** A bundle's `.manifest`: what it claims to hold, and what it declares about its decision. Pure. */
import * as v from "valibot";
import { AppError } from "../errors.ts";
import { findOverlap, isOwned, parseRoot, type Roots } from "./roots.ts";

const schema = v.object({
  revision: v.optional(v.string(), ""),
  /** Absent: the bundle may hold everything. */
  roots: v.optional(v.nullable(v.array(v.string()))),
  wasm: v.optional(v.nullable(v.array(v.object({ entrypoint: v.string(), module: v.string() })))),
  metadata: v.optional(
    v.nullable(
      v.object({
        bouncer: v.optional(
          v.object({
            input: v.optional(v.array(v.string())),
            serial: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
          }),
        ),
      }),
    ),
  ),
});

export interface Resolver {
  readonly entrypoint: string;
  readonly module: string;
}

export interface Manifest {
  readonly revision: string;
  readonly roots: Roots;
  readonly resolvers: readonly Resolver[];
  /** Dotted paths of the input that the decision reads; null when nothing is declared. */
  readonly inputFields: readonly string[] | null;
  /** Grows with each version of the bundle; null when it is not declared. */
  readonly serial: number | null;
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
  const manifest = {
    revision,
    roots: (roots ?? [""]).map(parseRoot),
    resolvers: wasm ?? [],
    inputFields: metadata?.bouncer?.input ?? null,
    serial: metadata?.bouncer?.serial ?? null,
  };
  checkRoots(manifest.roots);
  checkResolvers(manifest);
  return manifest;
}

/** Of a bundle that has none: everything may be in it. */
export const emptyManifest: Manifest = parseManifest("{}");

function checkRoots(roots: Roots): void {
  for (const [at, root] of roots.entries()) {
    const overlap = findOverlap([root], roots.slice(at + 1));
    if (overlap !== null) {
      const [one, other] = overlap.map((path) => path.join("/"));
      throw refuse(`roots "${one}" and "${other}" overlap`);
    }
  }
}

function checkResolvers({ roots, resolvers }: Manifest): void {
  const seen = new Set<string>();
  for (const { entrypoint } of resolvers) {
    if (seen.has(entrypoint)) throw refuse(`entrypoint "${entrypoint}" is in it twice`);
    seen.add(entrypoint);
    if (!isOwned(roots, parseRoot(entrypoint))) {
      throw refuse(`entrypoint "${entrypoint}" is not under its roots`);
    }
  }
}
