/** Variables about where bundles come from and which of them are accepted. Pure. */
import { optional, variable } from "bouncer-environment/table";
import { flag, integer, text } from "bouncer-environment/value";
import { acceptedKeys, keysSchema } from "../bundle/keys.ts";
import { environment } from "../contract.ts";
import * as value from "./value.ts";

const mebibyte = 1024 * 1024;
const booleans = "`true` or `false`";

function size(name: string, fallback: number, doc: string) {
  return variable(name, String(fallback), integer(1024, 4096 * mebibyte), {
    accepts: `a whole number of bytes from 1024 to ${4096 * mebibyte}`,
    doc,
  });
}

function seconds(
  name: string,
  fallback: number,
  [least, most]: readonly [number, number],
  doc: string,
) {
  return variable(name, String(fallback), integer(least, most), {
    accepts: `a whole number of seconds from ${least} to ${most}`,
    doc,
  });
}

export const syncRows = {
  policySyncClientCertFile: optional(environment.policySyncClientCertFile, value.absolutePath, {
    accepts: "an absolute path",
    doc: "File with the PEM certificate, and those of its authorities, that the servers of policy are shown; with `POLICY_SYNC_CLIENT_KEY_FILE`. Read again for every connection, because certificates are renewed.",
  }),
  policySyncClientKeyFile: optional(environment.policySyncClientKeyFile, value.absolutePath, {
    accepts: "an absolute path",
    doc: "File with the PEM private key of that certificate.",
  }),
  policySyncOauth2TokenUrl: optional(
    environment.policySyncOauth2TokenUrl,
    value.url("http", "https"),
    {
      accepts: "an http or https URL without credentials",
      doc: "Where a bearer token for the servers of policy is asked for by client credentials (RFC 6749, 4.4), instead of `POLICY_SYNC_CLIENT_TOKEN`; the token is used until it expires.",
    },
  ),
  policySyncOauth2ClientId: optional(environment.policySyncOauth2ClientId, text, {
    accepts: "any text",
    doc: "The client of these credentials.",
  }),
  policySyncOauth2ClientSecret: optional(environment.policySyncOauth2ClientSecret, text, {
    accepts: "any text",
    doc: "Its secret.",
    secret: true,
  }),
  policySyncOauth2Scopes: optional(environment.policySyncOauth2Scopes, text, {
    accepts: "scopes with spaces between them",
    doc: "The scopes that are asked for; unset: the server's own choice.",
  }),
  policyPollMinSeconds: seconds(
    environment.policyPollMinSeconds,
    10,
    [1, 86_400],
    "The least time between two polls; each is at random between this and the most.",
  ),
  policyPollMaxSeconds: seconds(
    environment.policyPollMaxSeconds,
    20,
    [1, 86_400],
    "The most time between two polls; set both or neither.",
  ),
  policyPollWaitSeconds: seconds(
    environment.policyPollWaitSeconds,
    60,
    [0, 3600],
    "How long a server that can is asked to hold a poll until there is something new (OPA's long polling); 0 is not at all.",
  ),
};

export const bundleRows = {
  policyVerificationKeys: optional(environment.policyVerificationKeys, keysSchema, {
    accepts: acceptedKeys,
    doc: "Further keys, so that keys can be rotated: a signature is verified with the key that it names.",
    secret: true,
  }),
  policyVerificationKeysFile: optional(environment.policyVerificationKeysFile, value.absolutePath, {
    accepts: "an absolute path",
    doc: "File with the same content as `POLICY_VERIFICATION_KEYS`; read again for every bundle. Not together with that variable.",
  }),
  policyVerificationExcludeFiles: optional(
    environment.policyVerificationExcludeFiles,
    value.globs,
    {
      accepts: "a comma-separated list of patterns, in which `*` and `?` do not cross a slash",
      doc: "Files of a bundle that need not be signed, and may differ from what was signed. Whatever is excluded can be changed by everybody who can write the bundle.",
    },
  ),
  policyAllowUnsignedDeltas: variable(environment.policyAllowUnsignedDeltas, "false", flag, {
    accepts: booleans,
    doc: "Delta bundles cannot be signed. `false`: they are refused when bundles have to be signed.",
  }),
  policyRefuseOlder: variable(environment.policyRefuseOlder, "false", flag, {
    accepts: booleans,
    doc: "`true`: a bundle has to declare `metadata.bouncer.serial` in its manifest, and is refused when that is less than the one of the last active bundle of its name: a signature alone does not keep an old bundle from being sent again. Of a delta it has to be more. How far back is remembered: as long as the process runs, and with `POLICY_PERSIST_DIRECTORY` as long as that directory lasts.",
  }),
  policyPersistDirectory: optional(environment.policyPersistDirectory, value.absolutePath, {
    accepts: "an absolute path",
    doc: "Directory where the last active bundles are kept. At start they are verified again, and used where they are newer than what `bouncer load` left. Unset: they are not kept.",
  }),
  policyMaxDeltas: variable(environment.policyMaxDeltas, "32", integer(0, 1000), {
    accepts: "a whole number from 0 to 1000; 0 asks for snapshots only",
    doc: "After this many deltas, the bundle itself is fetched again.",
  }),
  policyMaxBundleBytes: size(
    environment.policyMaxBundleBytes,
    32 * mebibyte,
    "The largest bundle that is fetched.",
  ),
  policyMaxUnpackedBytes: size(
    environment.policyMaxUnpackedBytes,
    128 * mebibyte,
    "The most that a bundle may be when unpacked. The evaluator takes ten times the text of the data.",
  ),
  policyMaxFileBytes: size(
    environment.policyMaxFileBytes,
    64 * mebibyte,
    "The largest file that may be in a bundle.",
  ),
  policyMaxFiles: variable(environment.policyMaxFiles, "4096", integer(1, 1_000_000), {
    accepts: "a whole number from 1 to 1000000",
    doc: "The most files that may be in a bundle.",
  }),
  policyMaxSetBytes: size(
    environment.policyMaxSetBytes,
    64 * mebibyte,
    "The most that all bundles and deltas that are enforced together may be, as fetched.",
  ),
};
