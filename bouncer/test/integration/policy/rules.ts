/** Opens bundles as tests want them opened. */
import type { BundleRequirements } from "../../../src/bundle/bundle.ts";
import type { VerificationKey } from "../../../src/bundle/keys.ts";
import { type Opened, openSet } from "../../../src/bundle/set.ts";
import { requirements } from "./requirements.ts";

export function signedBy(...keys: readonly VerificationKey[]): Partial<BundleRequirements> {
  return { verification: { keys, excludeFiles: [] } };
}

/** One bundle, and deltas to it. */
export async function open(
  bytes: Uint8Array,
  overrides: Partial<BundleRequirements> = {},
  deltas: readonly Uint8Array[] = [],
): Promise<Opened> {
  return await openSet([{ name: "policy.tar.gz", bytes, deltas }], {
    ...requirements,
    ...overrides,
  });
}

export function dataOf({ data }: Opened): string {
  return new TextDecoder().decode(data);
}
