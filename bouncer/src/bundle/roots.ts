/** The parts of `data` that a bundle owns: paths, compared segment by segment. Pure. */
import type { Path, Tree } from "./tree.ts";

/** The empty path owns everything. */
export type Roots = readonly Path[];

/** `/a/b/` is `a/b`; a slash alone is everything. */
export function parseRoot(text: string): Path {
  const trimmed = text.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? [] : trimmed.split("/");
}

/** `a/b` is above itself and `a/b/c`, not above `a/bc`. */
function isAbove(root: Path, path: Path): boolean {
  return root.every((segment, index) => path[index] === segment);
}

export function isOwned(roots: Roots, path: Path): boolean {
  return roots.some((root) => isAbove(root, path));
}

/** The first root of each that are the same or one above the other; null when there are none. */
export function findOverlap(one: Roots, other: Roots): readonly [Path, Path] | null {
  for (const root of one) {
    const found = other.find((candidate) => isAbove(root, candidate) || isAbove(candidate, root));
    if (found !== undefined) return [root, found];
  }
  return null;
}

/** The first path of `tree` that is not under a root; null when all is. */
export function findForeign(roots: Roots, tree: Tree, path: Path = []): Path | null {
  if (isOwned(roots, path)) return null;
  const leadsToRoot = roots.some((root) => isAbove(path, root));
  if (!leadsToRoot || !(tree instanceof Map)) return path;
  for (const [key, child] of tree) {
    const foreign = findForeign(roots, child, [...path, key]);
    if (foreign !== null) return foreign;
  }
  return null;
}

export function isSameRoots(one: Roots, other: Roots): boolean {
  const texts = [one, other].map((roots) => new Set(roots.map((root) => root.join("/"))));
  const [left = new Set(), right = new Set()] = texts;
  return left.size === right.size && [...left].every((text) => right.has(text));
}
