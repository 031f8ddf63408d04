/** The keys that bundles may be signed with, as they are configured. Pure. */
import * as v from "valibot";
import { signatureAlgorithms } from "../contract.ts";

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

export interface VerificationKey {
  /** PEM (RS, PS, ES) or the shared secret (HS). */
  readonly key: string;
  readonly algorithm: SignatureAlgorithm;
  /** The signature must name it; null: whatever it names. */
  readonly keyId: string | null;
  /** The signature must have it; null: it must have none. */
  readonly scope: string | null;
}

const keySchema = v.strictObject({
  key: v.pipe(v.string(), v.minLength(1)),
  algorithm: v.optional(v.picklist(signatureAlgorithms), "RS256"),
  scope: v.optional(v.string()),
});

/** `{"k1": {"key": "-----BEGIN PUBLIC KEY-----...", "algorithm": "ES256", "scope": "write"}}` */
export const keysSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(v.pipe(v.string(), v.minLength(1)), keySchema),
  v.minEntries(1),
  v.transform((keys) =>
    Object.entries(keys).map(([keyId, { key, algorithm, scope = null }]): VerificationKey => ({
      key,
      algorithm,
      keyId,
      scope,
    })),
  ),
);

export const acceptedKeys =
  "a JSON object from key ids to `{key, algorithm, scope}`: a PEM public key or a shared secret, RS, PS, ES or HS followed by 256, 384 or 512 (`RS256` when left out), and the scope that the signature must have (none when left out)";

/** null when the text is not of that form: its content is secret, and so are its mistakes. */
export function parseKeys(text: string): readonly VerificationKey[] | null {
  const parsed = v.safeParse(keysSchema, text);
  return parsed.success ? parsed.output : null;
}
