/** Bundles in files, loaded for one command as a bouncer loads them. */
import { basename } from "node:path";
import { unpack } from "../bundle/archive.ts";
import type { BundleRequirements, Snapshot } from "../bundle/bundle.ts";
import type { VerificationKey } from "../bundle/keys.ts";
import { signatureAlgorithms } from "../contract.ts";
import { requirementsOf } from "../bundle/requirements.ts";
import { signaturesFile } from "../bundle/signature.ts";
import { type Config, parseConfig } from "../config.ts";
import { environment } from "../contract.ts";
import { prepare, type Prepared } from "../evaluation/prepare.ts";
import { createSlowLane } from "../evaluation/slow-lane.ts";
import { type LoadedSet, loadSet } from "../policy/loaded.ts";
import { createNetwork } from "../rego/network/network.ts";
import { packBundle } from "./archive.ts";
import { type Arguments, chooseFrom, textOf, textsOf } from "./command.ts";
import { misuse } from "./failure.ts";
import { readBytes, readText } from "./file.ts";

/** Of every command that asks a policy. */
export const policyOptions = {
  bundle: { type: "string", short: "b", multiple: true },
  entrypoint: { type: "string", short: "e" },
  "verification-key": { type: "string" },
  "verification-alg": { type: "string" },
  "allow-network": { type: "boolean" },
} as const;

export const policyUsage = `  -b, --bundle FILE              the bundle, or several that are enforced together
  -e, --entrypoint PATH          the rule that decides (default envoy/authz/allow)
      --verification-key FILE    check signatures: PEM of the public key, or a file with the secret
      --verification-alg NAME    RS256 (default), RS384, ..., HS512
      --allow-network            let http.send and net.lookup_ip_addr of the policy reach the network`;

const mebibyte = 1024 * 1024;
const evaluationBytes = 64 * mebibyte;
/** Nobody waits for these decisions but the person who asked. */
const timing = { evaluationMs: 30_000, decisionMs: 60_000, cacheTtlMs: 0 } as const;

function configOf(entrypoint: string): Config {
  const parsed = parseConfig({ [environment.policyDecisionPath]: entrypoint });
  if (parsed.kind === "ok") return parsed.config;
  throw misuse(parsed.problems.join("; "));
}

export async function prepareFiles(
  snapshots: readonly Snapshot[],
  entrypoint: string,
  keys: readonly VerificationKey[],
): Promise<Prepared> {
  const config = configOf(entrypoint);
  const { verification, ...rest } = await requirementsOf(config);
  const requirements: BundleRequirements = { ...rest, verification: { ...verification, keys } };
  return await prepare({ snapshots, requirements, evaluationBytes });
}

export interface PolicyFile {
  readonly entrypoint: string;
  readonly set: LoadedSet;
  readonly close: () => Promise<void>;
}

/** The policy that the options name. */
export async function openPolicy(
  args: Arguments,
  note: (text: string) => void,
): Promise<PolicyFile> {
  const files = textsOf(args, "bundle");
  if (files.length === 0) throw misuse("Cannot ask a policy without --bundle");
  const entrypoint = textOf(args, "entrypoint") ?? "envoy/authz/allow";
  const keys = await readKeys(args);
  const snapshots: Snapshot[] = [];
  for (const path of files) {
    const bytes = await readBytes(path);
    const isChecked = keys.length > 0;
    const usable = isChecked ? bytes : await withoutSignature(bytes, () => note(unchecked(path)));
    snapshots.push({ name: basename(path), bytes: usable, deltas: [] });
  }
  const prepared = await prepareFiles(snapshots, entrypoint, keys);
  const config = configOf(entrypoint);
  const network = createNetwork({
    rules: { allow: config.policyHttpAllow, deny: config.policyHttpDeny },
    tls: { directory: null, environment: {} },
    maxBodyBytes: config.policyHttpMaxBodyBytes,
  });
  const isOnline = args.values["allow-network"] === true;
  const { decisionPath } = { decisionPath: entrypoint };
  const preparation = {
    snapshots,
    requirements: { ...(await requirementsOf(config)), decisionPath },
    evaluationBytes,
  };
  const set = await loadSet(prepared, createSlowLane(preparation), {
    makeCall: async (...call) => (isOnline ? await network.call(...call) : null),
    now: () => Date.now(),
    ...timing,
  });
  return {
    entrypoint,
    set,
    close: async () => {
      set.close();
      await network.close();
    },
  };
}

function unchecked(path: string): string {
  return `Signature of "${path}" not checked: there is no --verification-key\n`;
}

async function readKeys(args: Arguments): Promise<readonly VerificationKey[]> {
  const path = textOf(args, "verification-key");
  if (path === null) return [];
  const algorithm = chooseFrom(args, "verification-alg", ["RS256", ...signatureAlgorithms]);
  return [{ key: (await readText(path)).trim(), algorithm, keyId: null, scope: null }];
}

/** Whoever asks a file on their own disk may do without. */
async function withoutSignature(bytes: Uint8Array, onFound: () => void): Promise<Uint8Array> {
  const files = await unpack(bytes);
  if (!files.has(signaturesFile)) return bytes;
  onFound();
  return await packBundle(new Map([...files].filter(([name]) => name !== signaturesFile)));
}
