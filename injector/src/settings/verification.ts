/** Settings: the keys that bundles are verified with. Pure. */
import { signatureAlgorithms } from "bouncer/contract";
import * as v from "valibot";
import { described, strict, text } from "./schema.ts";

const acceptedKey = "a PEM public key or a shared secret";

const algorithm = v.optional(
  described(
    "Signature algorithm",
    v.picklist(signatureAlgorithms, `one of ${signatureAlgorithms.join(", ")}`),
  ),
  "RS256",
);
const scope = v.optional(described("Scope that the signature must name", v.string("text")), "");

/** Names that no member of a JSON object may have there, where the bouncer reads it. */
const forbiddenIds = ["__proto__", "prototype", "constructor"];

const namedKey = strict({
  keyId: described(
    "Key id that the signature names",
    v.pipe(
      text("a key id"),
      v.check((id) => !forbiddenIds.includes(id), "a key id"),
    ),
  ),
  key: described("PEM public key (RS, PS, ES) or shared secret (HS)", text(acceptedKey)),
  algorithm,
  scope,
});

const entries = strict({
  key: v.optional(
    described(
      "PEM public key (RS, PS, ES) or shared secret (HS) that bundles are verified with; null: only keys",
      v.nullable(text(acceptedKey)),
    ),
    null,
  ),
  keyId: v.optional(described("Key id that the signature must name", v.string("text")), ""),
  algorithm,
  scope,
  keys: v.optional(
    described(
      "More keys, so that keys can be rotated: a signature is verified with the one that it names, with keyId, key, algorithm and scope each",
      v.array(namedKey, "a list of keys"),
    ),
    [],
  ),
});

export type Verification = v.InferOutput<typeof entries>;

interface Problem {
  readonly field: "key" | "keyId" | "scope" | "keys";
  /** What may be shown of the value: never a key. */
  readonly shown: string | undefined;
  readonly accepted: string;
}

function findProblem({ key, keyId, scope: wanted, keys }: Verification): Problem | null {
  if (key === null && keys.length === 0) {
    return { field: "key", shown: undefined, accepted: acceptedKey };
  }
  const accepted = "empty, for there is no key that it could be about";
  if (key === null && keyId !== "") return { field: "keyId", shown: keyId, accepted };
  if (key === null && wanted !== "") return { field: "scope", shown: wanted, accepted };
  const ids = [...(key === null || keyId === "" ? [] : [keyId]), ...keys.map((one) => one.keyId)];
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice === undefined) return null;
  return { field: "keys", shown: twice, accepted: "a key id that only one key has" };
}

export const verificationSchema = v.pipe(
  entries,
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? findProblem(dataset.value) : null;
    if (!dataset.typed || problem === null) return;
    const { field, shown, accepted } = problem;
    const value = dataset.value;
    addIssue({
      message: accepted,
      input: shown,
      path: [{ type: "object", origin: "value", input: value, key: field, value: shown }],
    });
  }),
);

/** `POLICY_VERIFICATION_KEYS`; null: there are none. */
export function formatKeys({ keys }: Verification): string | null {
  if (keys.length === 0) return null;
  const byId = keys.map(({ keyId, key, algorithm: signed, scope: wanted }) => [
    keyId,
    { key, algorithm: signed, ...(wanted !== "" && { scope: wanted }) },
  ]);
  return JSON.stringify(Object.fromEntries(byId));
}
