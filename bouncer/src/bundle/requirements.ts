/** From the configuration to what a bundle must be, for both roles that open bundles. */
import type { Config } from "../config.ts";
import type { BundleRequirements } from "./bundle.ts";

export function requirementsOf(config: Config): BundleRequirements {
  const key = config.policyVerificationKey;
  return {
    decisionPath: config.policyDecisionPath,
    key:
      key === null
        ? null
        : {
            key,
            algorithm: config.policyVerificationAlgorithm,
            keyId: config.policyVerificationKeyId,
            scope: config.policyVerificationScope,
          },
  };
}

const defaultName = "policy.tar.gz";

/** The last segment of the URL that a bundle comes from: `policy.tar.gz`. */
export function bundleNameOf(url: URL | null): string {
  const name = url?.pathname.split("/").at(-1);
  return name === undefined || name === "" ? defaultName : name;
}

/** Of all bundles that are enforced together. */
export function bundleNamesOf(config: Config): readonly string[] {
  return [config.policyBundleUrl].flat().map(bundleNameOf);
}
