/** Settings: where policy comes from and how it is verified. Pure. */
import * as v from "valibot";
import { described, matching, strict, text } from "./schema.ts";
import {
  acceptedBundleUrl,
  acceptedDecisionPath,
  acceptedSyncUrl,
  bundleUrlSchemes,
  decisionPathPattern,
  isUrl,
  syncUrlSchemes,
} from "./value.ts";

const url = (schemes: readonly string[], accepted: string) =>
  v.pipe(
    v.string(accepted),
    v.check((value) => isUrl(value, schemes), accepted),
  );

export const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "HS256",
  "HS384",
  "HS512",
] as const;

const verification = strict({
  key: described(
    "PEM public key (RS, PS, ES) or shared secret (HS) that bundles are verified with",
    text("a PEM public key or a shared secret"),
  ),
  keyId: v.optional(described("Key id that the signature must name", v.string()), ""),
  algorithm: v.optional(
    described("Signature algorithm", v.picklist(algorithms, `one of ${algorithms.join(", ")}`)),
    "RS256",
  ),
  scope: v.optional(described("Scope that the signature must name", v.string()), ""),
});

export const policySchema = strict({
  bundleUrl: v.optional(
    described(
      "Where policy-loader fetches the bundle before the pod starts",
      v.nullable(url(bundleUrlSchemes, acceptedBundleUrl)),
    ),
    null,
  ),
  syncUrl: v.optional(
    described(
      "Where running bouncers learn of new revisions: wss:// for the bridge, https:// to poll",
      v.nullable(url(syncUrlSchemes, acceptedSyncUrl)),
    ),
    null,
  ),
  decisionPath: v.optional(
    described("Rule that decides", matching(decisionPathPattern, acceptedDecisionPath)),
    "envoy/authz/allow",
  ),
  syncCa: v.optional(
    described(
      "PEM of the authority that both URLs are verified against; the webhook fills in its own",
      v.nullable(v.string()),
    ),
    null,
  ),
  verification: v.optional(
    described(
      "When set, unsigned bundles are refused; when not, signed ones",
      v.nullable(verification),
    ),
    null,
  ),
});
