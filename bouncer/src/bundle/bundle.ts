/**
 * One policy bundle as `opa build -t wasm` makes it, from bytes to its parts. Signature first, then
 * everything else. As in OPA, files that mean nothing in a bundle are passed over; the Rego in it is
 * one of these, because here only the compiled policy decides.
 */
import { createHash } from "node:crypto";
import { AppError } from "../errors.ts";
import { type ArchiveLimits, type Files, isPatch, unpack } from "./archive.ts";
import { applyPatch, parsePatch } from "./delta.ts";
import { readJson } from "./json.ts";
import { emptyManifest, type Manifest, parseManifest } from "./manifest.ts";
import { findForeign, isSameRoots } from "./roots.ts";
import { type Verification, verifySignature } from "./signature.ts";
import { type Branch, merge, plant, type Tree } from "./tree.ts";

/** A bundle as it was fetched, and what changed its data since. */
export interface Snapshot {
  /** `policy.tar.gz` */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** In the order in which they came. */
  readonly deltas: readonly Uint8Array[];
}

export interface BundleRequirements {
  /** `envoy/authz/allow`: one bundle of the set has it compiled. */
  readonly decisionPath: string;
  readonly verification: Verification;
  /** Deltas cannot be signed: where bundles have to be, they are refused without this. */
  readonly allowUnsignedDeltas: boolean;
  /** Of each bundle and delta. */
  readonly limits: ArchiveLimits;
  /** Of all of the set, as fetched. */
  readonly setBytes: number;
}

/** What of them concerns a bundle by itself. */
type Rules = Omit<BundleRequirements, "decisionPath" | "setBytes">;

export interface Bundle {
  readonly name: string;
  /** After the deltas. */
  readonly manifest: Manifest;
  /** By path as in `Resolver.module`, without the slash before it. */
  readonly modules: Files;
  /** After the deltas; whoever gets it may change it. */
  readonly data: Branch;
}

const maxOperations = 10_000;

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot read bundle: ${reason}`, { cause });
}

/** What a bundle is known by: the hex SHA-256 of its bytes. */
export function hashBundle(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The same, when deltas changed it: the SHA-256 of the hashes of all of them. */
export function hashSnapshot({ bytes, deltas }: Snapshot): string {
  const hash = hashBundle(bytes);
  if (deltas.length === 0) return hash;
  return hashBundle(Buffer.from([hash, ...deltas.map(hashBundle)].join("\n")));
}

export async function openBundle(snapshot: Snapshot, rules: Rules): Promise<Bundle> {
  const files = await unpack(snapshot.bytes, rules.limits);
  verifySignature(files, rules.verification);
  if ([...files.keys()].some(isPatch)) {
    throw refuse("it is a delta, and there is no snapshot that it could change");
  }
  const manifest = readManifest(files) ?? emptyManifest;
  const modules = new Map([...files].filter(([name]) => isNamed(name, "policy.wasm")));
  for (const { module } of manifest.resolvers) {
    if (!modules.has(toPath(module))) {
      throw refuse(`.manifest names "${module}", which is not in it`);
    }
  }
  const data = readData(files);
  const foreign = findForeign(manifest.roots, data);
  if (foreign !== null) {
    throw refuse(`data at "${foreign.join("/")}" is not under the roots of .manifest`);
  }
  let opened: Bundle = { name: snapshot.name, manifest, modules, data };
  for (const delta of snapshot.deltas) opened = await changeBy(opened, delta, rules);
  return opened;
}

/** A path in the archive is the same with a slash before it and without. */
export function toPath(module: string): string {
  return module.replace(/^\/+/, "");
}

function isNamed(path: string, ...names: readonly string[]): boolean {
  return names.includes(path.slice(path.lastIndexOf("/") + 1));
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw refuse(`"${name}" is not UTF-8`, error);
  }
}

/** null when there is none. */
function readManifest(files: Files): Manifest | null {
  const [first, second] = [...files].filter(([name]) => /\.manifest(?:\.pb)?$/.test(name));
  if (first === undefined) return null;
  const [name, bytes] = first;
  if (second !== undefined) throw refuse(`it has "${name}" and "${second[0]}"`);
  if (name.endsWith(".pb")) {
    throw refuse(`"${name}" is in protobuf; \`opa build\` writes .manifest in JSON`);
  }
  return parseManifest(decode(name, bytes));
}

/** `a/b/data.json` is `data.a.b`; all of them together are the data of the bundle. */
function readData(files: Files): Branch {
  const data: Branch = new Map();
  for (const [name, bytes] of files) {
    if (isNamed(name, "data.yaml", "data.yml")) {
      throw refuse(`"${name}" is YAML; \`opa build\` turns it into data.json`);
    }
    if (!isNamed(name, "data.json")) continue;
    const tree = plant(name.split("/").slice(0, -1), parseData(name, bytes));
    if (tree === null) throw refuse(`"${name}" is not a JSON object`);
    const conflict = merge(data, tree);
    if (conflict !== null) throw refuse(`"${name}" says again what "${conflict.join("/")}" is`);
  }
  return data;
}

function parseData(name: string, bytes: Uint8Array): Tree {
  const text = decode(name, bytes);
  try {
    return readJson(text);
  } catch (error) {
    throw refuse(`"${name}" is not JSON`, error);
  }
}

function refuseDelta(reason: string): AppError {
  return new AppError("bundle_invalid", `Cannot apply delta: ${reason}`);
}

/** Changes the data of `bundle`, which is of no use any more when this throws. */
async function changeBy(bundle: Bundle, delta: Uint8Array, rules: Rules): Promise<Bundle> {
  if (rules.verification.keys.length > 0 && !rules.allowUnsignedDeltas) {
    throw new AppError(
      "bundle_signature",
      "Cannot apply delta: it cannot be signed, and POLICY_ALLOW_UNSIGNED_DELTAS is not set",
    );
  }
  const files = await unpack(delta, rules.limits);
  const [patch, second] = [...files.keys()].filter(isPatch);
  if (patch === undefined) throw refuseDelta("it has no patch.json");
  if (second !== undefined) throw refuseDelta(`it has "${patch}" and "${second}"`);
  const other = [...files.keys()].find(
    (name) =>
      name.endsWith(".rego") || isNamed(name, "data.json", "data.yaml", "data.yml", "policy.wasm"),
  );
  if (other !== undefined) throw refuseDelta(`it has "${other}" beside the patch`);
  const declared = readManifest(files) ?? emptyManifest;
  const { manifest } = bundle;
  if (!isSameRoots(declared.roots, manifest.roots)) {
    throw refuseDelta("its roots are not those of the snapshot");
  }
  if (JSON.stringify(declared.resolvers) !== JSON.stringify(manifest.resolvers)) {
    throw refuseDelta("its compiled entrypoints are not those of the snapshot");
  }
  const text = decode(patch, files.get(patch) ?? new Uint8Array());
  applyPatch(bundle.data, parsePatch(text, manifest.roots, maxOperations));
  // What the policy reads is compiled into it: a delta does not change it, whatever it declares.
  const { revision, serial } = declared;
  return { ...bundle, manifest: { ...manifest, revision, serial: serial ?? manifest.serial } };
}
