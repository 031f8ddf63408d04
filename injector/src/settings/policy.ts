/** Settings: where policy comes from and how it is verified. Pure. */
import * as v from "valibot";
import { evaluationEntries } from "./evaluation.ts";
import { described, matching, strict } from "./schema.ts";
import {
  acceptedBundleUrl,
  acceptedDecisionPath,
  acceptedSyncUrl,
  decisionPathPattern,
  isBundleUrl,
  isUrl,
  syncUrlSchemes,
} from "./value.ts";
import { verificationSchema } from "./verification.ts";

const url = (isValid: (value: string) => boolean, accepted: string) =>
  v.pipe(v.string(accepted), v.check(isValid, accepted));

const isSyncUrl = (value: string) => isUrl(value, syncUrlSchemes);

export const policySchema = strict({
  bundleUrl: v.optional(
    described(
      "Where policy-loader fetches the bundle before the pod starts; of several, with commas between them, all are enforced together",
      v.nullable(url(isBundleUrl, acceptedBundleUrl)),
    ),
    null,
  ),
  syncUrl: v.optional(
    described(
      "Where running bouncers learn of new revisions: wss:// for the bridge, https:// to poll",
      v.nullable(url(isSyncUrl, acceptedSyncUrl)),
    ),
    null,
  ),
  decisionPath: v.optional(
    described("Rule that decides", matching(decisionPathPattern, acceptedDecisionPath)),
    "envoy/authz/allow",
  ),
  syncCa: v.optional(
    described(
      "PEM of the authority that all URLs are verified against; the webhook fills in its own",
      v.nullable(v.string()),
    ),
    null,
  ),
  verification: v.optional(
    described(
      "When set, unsigned bundles are refused; when not, signed ones",
      v.nullable(verificationSchema),
    ),
    null,
  ),
  refuseOlder: v.optional(
    described(
      "Refuse bundles whose metadata.bouncer.serial is lower than that of the one before, and those without one",
      v.boolean("true or false"),
    ),
    false,
  ),
  persist: v.optional(
    described(
      "Keep the last active bundles in a volume of the pod, for when the sidecar is restarted while the server of policy is away",
      v.boolean("true or false"),
    ),
    true,
  ),
  ...evaluationEntries,
});
