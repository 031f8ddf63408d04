/**
 * The bundles that are enforced together, from bytes to what the evaluator takes. Without I/O, and
 * with nothing but plain values on both sides: it can be run in another thread.
 */
import type { BundleIdentity } from "../policy/decision.ts";
import { AppError } from "../errors.ts";
import {
  type Bundle,
  hashSnapshot,
  openBundle,
  type BundleRequirements,
  type Snapshot,
  toPath,
} from "./bundle.ts";
export type { Snapshot } from "./bundle.ts";
import { findOverlap, parseRoot } from "./roots.ts";
import { type Branch, follow, merge, printTree } from "./tree.ts";

export interface Opened {
  /** In the order of the snapshots. */
  readonly identities: readonly BundleIdentity[];
  /** The one with the compiled decision. */
  readonly deciding: BundleIdentity;
  readonly wasm: Uint8Array;
  /** JSON text of the data of all, numbers as they were written. */
  readonly data: Uint8Array;
  /** Dotted paths of the input that the decision reads; null when nothing is declared. */
  readonly inputFields: readonly string[] | null;
}

function refuse(reason: string): AppError {
  return new AppError("bundle_invalid", `Cannot read bundle: ${reason}`);
}

/** Throws AppError for what cannot be enforced. */
export async function openSet(
  snapshots: readonly Snapshot[],
  requirements: BundleRequirements,
): Promise<Opened> {
  const bundles = await openAll(snapshots, requirements);
  const { decisionPath } = requirements;
  const deciding = findDeciding(bundles, decisionPath);
  const identities = snapshots.map((snapshot, at) => identify(snapshot, bundles[at] ?? deciding));
  const data = mergeData(bundles);
  checkDecision(data, decisionPath);
  return {
    identities,
    deciding: identities[bundles.indexOf(deciding)] ?? unreachable(),
    // Not a part of the whole archive, which would be kept, and posted, with it.
    wasm: new Uint8Array(findModule(deciding, decisionPath)),
    data: new TextEncoder().encode(printTree(data)),
    inputFields: deciding.manifest.inputFields,
  };
}

function unreachable(): never {
  throw new Error("the deciding bundle is one of the set");
}

/**
 * As far as bundles can be checked while others of their set are missing: that each is sound, and
 * that none claims what another has.
 */
export async function checkMembers(
  snapshots: readonly Snapshot[],
  requirements: BundleRequirements,
): Promise<readonly BundleIdentity[]> {
  const bundles = await openAll(snapshots, requirements);
  return bundles.flatMap((bundle, at) => {
    const snapshot = snapshots[at];
    return snapshot === undefined ? [] : [identify(snapshot, bundle)];
  });
}

async function openAll(
  snapshots: readonly Snapshot[],
  requirements: BundleRequirements,
): Promise<readonly Bundle[]> {
  const bytes = snapshots
    .flatMap((snapshot) => [snapshot.bytes, ...snapshot.deltas])
    .reduce((sum, one) => sum + one.byteLength, 0);
  if (bytes > requirements.setBytes) {
    throw refuse(`all bundles together are larger than ${requirements.setBytes} bytes`);
  }
  const bundles: Bundle[] = [];
  for (const snapshot of snapshots) {
    // One after the other: each may be large while it is unpacked.
    bundles.push(await openNamed(snapshot, requirements, snapshots.length > 1));
  }
  checkOverlaps(bundles);
  return bundles;
}

/** Where there are several, a complaint says of which it is. */
async function openNamed(
  snapshot: Snapshot,
  rules: BundleRequirements,
  isOneOfSeveral: boolean,
): Promise<Bundle> {
  try {
    return await openBundle(snapshot, rules);
  } catch (error) {
    if (!isOneOfSeveral || !(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${error.message}, in "${snapshot.name}"`, { cause: error });
  }
}

function checkOverlaps(bundles: readonly Bundle[]): void {
  for (const [at, one] of bundles.entries()) {
    for (const other of bundles.slice(at + 1)) {
      const overlap = findOverlap(one.manifest.roots, other.manifest.roots);
      if (overlap === null) continue;
      const [left, right] = overlap.map((root) => root.join("/"));
      throw refuse(
        `root "${left}" of "${one.name}" and root "${right}" of "${other.name}" overlap`,
      );
    }
  }
}

function findDeciding(bundles: readonly Bundle[], decisionPath: string): Bundle {
  const found = bundles.filter(({ manifest }) =>
    manifest.resolvers.some(({ entrypoint }) => entrypoint === decisionPath),
  );
  const [deciding, second] = found;
  if (deciding === undefined) {
    const known = bundles.flatMap(({ manifest }) => manifest.resolvers);
    const has = known.map(({ entrypoint }) => `"${entrypoint}"`).join(", ");
    throw refuse(
      `it has no compiled entrypoint "${decisionPath}" (it has ${has === "" ? "none" : has}); build it with \`opa build -t wasm -e ${decisionPath}\``,
    );
  }
  if (second !== undefined) {
    throw refuse(`"${deciding.name}" and "${second.name}" both decide "${decisionPath}"`);
  }
  return deciding;
}

function findModule({ manifest, modules }: Bundle, decisionPath: string): Uint8Array {
  const resolver = manifest.resolvers.find(({ entrypoint }) => entrypoint === decisionPath);
  return modules.get(toPath(resolver?.module ?? "")) ?? unreachable();
}

/** Roots do not overlap, so data cannot either. */
function mergeData(bundles: readonly Bundle[]): Branch {
  const data: Branch = new Map();
  for (const { name, data: own } of bundles) {
    const conflict = merge(data, own);
    if (conflict !== null) throw refuse(`"${name}" says again what "${conflict.join("/")}" is`);
  }
  return data;
}

/** Data in the place of a rule: OPA refuses it, and what would decide is better not guessed. */
function checkDecision(data: Branch, decisionPath: string): void {
  const found = follow(data, parseRoot(decisionPath));
  if (found !== undefined && !(found instanceof Map)) {
    throw refuse(`its data have a value where "${decisionPath}" is decided`);
  }
}

function identify(snapshot: Snapshot, { manifest }: Bundle): BundleIdentity {
  return {
    name: snapshot.name,
    revision: manifest.revision,
    sha256: hashSnapshot(snapshot),
    serial: manifest.serial,
    deltas: snapshot.deltas.length,
  };
}
