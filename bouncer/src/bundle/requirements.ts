/** From the configuration to what bundles must be, for both roles that open bundles. */
import { readFile } from "node:fs/promises";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { bundleNameOf } from "./name.ts";
import { parseKeys, type VerificationKey } from "./keys.ts";
import type { BundleRequirements } from "./bundle.ts";

/** Reads the file of keys again: whoever rotates keys restarts nothing. Throws AppError. */
export async function requirementsOf(config: Config): Promise<BundleRequirements> {
  const keys = [...configuredKeys(config), ...(await readKeysFile(config))];
  return {
    decisionPath: config.policyDecisionPath,
    verification: { keys, excludeFiles: config.policyVerificationExcludeFiles ?? [] },
    allowUnsignedDeltas: config.policyAllowUnsignedDeltas,
    limits: {
      compressedBytes: config.policyMaxBundleBytes,
      unpackedBytes: config.policyMaxUnpackedBytes,
      fileBytes: config.policyMaxFileBytes,
      files: config.policyMaxFiles,
    },
    setBytes: config.policyMaxSetBytes,
  };
}

function configuredKeys(config: Config): readonly VerificationKey[] {
  const { policyVerificationKey: key, policyVerificationKeys: more } = config;
  const own =
    key === null
      ? []
      : [
          {
            key,
            algorithm: config.policyVerificationAlgorithm,
            keyId: config.policyVerificationKeyId,
            scope: config.policyVerificationScope,
          },
        ];
  return [...own, ...(more ?? [])];
}

async function readKeysFile(config: Config): Promise<readonly VerificationKey[]> {
  const path = config.policyVerificationKeysFile;
  if (path === null) return [];
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw refuseKeys(path, "it cannot be read", error);
  }
  const keys = parseKeys(text);
  if (keys === null) {
    throw refuseKeys(path, "accepted is a JSON object from key ids to {key, algorithm, scope}");
  }
  return keys;
}

/** Without its keys nothing may be accepted, so the bundle is what is refused. */
function refuseKeys(path: string, reason: string, cause?: unknown): AppError {
  return new AppError("bundle_signature", `Cannot use keys "${path}": ${reason}`, { cause });
}

/** One bundle of those that are enforced together, and where it comes from. */
export interface BundleSource {
  readonly name: string;
  /** Where `bouncer load` fetches it. */
  readonly url: URL | null;
  /** Where it is polled, when policy is polled at all. */
  readonly pollUrl: URL | null;
}

/** In the order of `POLICY_BUNDLE_URL`; one at least. */
export function sourcesOf(config: Config): readonly BundleSource[] {
  const sync = config.policySyncUrl;
  const polled = sync !== null && !sync.protocol.startsWith("ws") ? sync : null;
  const [first = null, ...rest] = config.policyBundleUrl ?? [];
  return [
    { name: bundleNameOf(first ?? polled), url: first, pollUrl: polled },
    ...rest.map((url) => ({
      name: bundleNameOf(url),
      url,
      pollUrl: polled === null ? null : url,
    })),
  ];
}

export function bundleNamesOf(config: Config): readonly string[] {
  return sourcesOf(config).map(({ name }) => name);
}
