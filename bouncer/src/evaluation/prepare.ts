/** From the bytes of bundles to a policy in memory: all that can be done away from the traffic. */
import type { BundleRequirements, Snapshot } from "../bundle/bundle.ts";
import { type Opened, openSet } from "../bundle/set.ts";
import { namedFields } from "../policy/fields.ts";
import { buildImage, type Image } from "../rego/image.ts";

/** Can be posted to another thread. */
export interface Preparation {
  readonly snapshots: readonly Snapshot[];
  readonly requirements: BundleRequirements;
  /** What one evaluation may use beyond the data, bytes. */
  readonly evaluationBytes: number;
}

/** What is known of the bundles when they have been opened; their bytes are in the image. */
export interface Contents extends Omit<Opened, "wasm" | "data"> {
  /** Names of fields that are built for those who name them, as far as the policy has them. */
  readonly mentioned: readonly string[];
}

export interface Prepared {
  readonly contents: Contents;
  readonly image: Image;
  /** The code of the policy has been run in, in another thread. */
  readonly isWarm: boolean;
}

/** Throws AppError. */
export async function prepare(preparation: Preparation): Promise<Prepared> {
  const { snapshots, requirements, evaluationBytes } = preparation;
  const { wasm, data, ...opened } = await openSet(snapshots, requirements);
  const entrypoint = requirements.decisionPath;
  const image = await buildImage({ wasm, data, entrypoint, evaluationBytes });
  return { contents: { ...opened, mentioned: findMentioned(wasm) }, image, isWarm: false };
}

/** A compiled policy keeps the strings that it compares with as they are, each ended by a zero. */
export function findMentioned(wasm: Uint8Array): readonly string[] {
  const bytes = Buffer.from(wasm.buffer, wasm.byteOffset, wasm.byteLength);
  return namedFields.filter((name) => bytes.includes(`\0${name}\0`, "latin1"));
}
