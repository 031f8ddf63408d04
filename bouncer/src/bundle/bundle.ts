/**
 * A policy bundle as `opa build -t wasm` makes it, from bytes to what can be enforced. Signature
 * first, then everything else; whatever OPA would need its interpreter for is refused, because here
 * only the compiled policy decides.
 */
import { createHash } from "node:crypto";
import { parse, stringify } from "lossless-json";
import { AppError } from "../errors.ts";
import { type Files, unpack } from "./archive.ts";
import { findForeign, isOwned, type Manifest, parseManifest } from "./manifest.ts";
import { type VerificationKey, verifySignature } from "./signature.ts";

export interface Bundle {
  readonly manifest: Manifest;
  readonly wasm: Uint8Array;
  /** JSON text of the base document, numbers as they were written. */
  readonly data: Uint8Array;
}

export interface BundleRequirements {
  /** `envoy/authz/allow`. */
  readonly decisionPath: string;
  /** When set, the bundle must be signed with it. */
  readonly key: VerificationKey | null;
}

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot read bundle: ${reason}`, { cause });
}

/** What a bundle is known by: the hex SHA-256 of its bytes. */
export function hashBundle(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function openBundle(
  bytes: Uint8Array,
  requirements: BundleRequirements,
): Promise<Bundle> {
  const files = await unpack(bytes);
  verifySignature(files, requirements.key);
  refuseUnsupported(files);
  const text = files.get(".manifest");
  if (text === undefined) {
    throw refuse("it has no .manifest; build it with `opa build -t wasm`");
  }
  const manifest = parseManifest(decode(".manifest", text));
  return {
    manifest,
    wasm: findModule(files, manifest, requirements.decisionPath),
    data: readData(files, manifest),
  };
}

/** Files that change the meaning of a bundle for OPA and that we would silently leave out. */
function refuseUnsupported(files: Files): void {
  for (const name of files.keys()) {
    const file = name.slice(name.lastIndexOf("/") + 1);
    if (file === "data.yaml" || file === "data.yml") {
      throw refuse(`"${name}" is YAML; \`opa build\` turns it into data.json`);
    }
    if (name === "patch.json") throw refuse("it is a delta bundle; only snapshots are accepted");
  }
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw refuse(`"${name}" is not UTF-8`, error);
  }
}

function findModule(files: Files, manifest: Manifest, decisionPath: string): Uint8Array {
  const found = manifest.resolvers.filter((resolver) => resolver.entrypoint === decisionPath);
  const [resolver] = found;
  if (resolver === undefined) {
    const has = manifest.resolvers.map((one) => `"${one.entrypoint}"`).join(", ");
    throw refuse(
      `it has no compiled entrypoint "${decisionPath}" (it has ${has === "" ? "none" : has}); build it with \`opa build -t wasm -e ${decisionPath}\``,
    );
  }
  if (found.length > 1) throw refuse(`entrypoint "${decisionPath}" is in .manifest twice`);
  if (!isOwned(manifest, decisionPath.split("/"))) {
    throw refuse(`entrypoint "${decisionPath}" is not under the roots of .manifest`);
  }
  const wasm = files.get(resolver.module.replace(/^\/+/, ""));
  if (wasm === undefined) throw refuse(`.manifest names "${resolver.module}", which is not in it`);
  return wasm;
}

/** `a/b/data.json` is `data.a.b`; all of them together are the base document. */
function readData(files: Files, manifest: Manifest): Uint8Array {
  const names = [...files.keys()].filter((name) => /(?:^|\/)data\.json$/.test(name)).toSorted();
  const root = files.get("data.json");
  if (names.length === 1 && root !== undefined) {
    // The text goes to the evaluator as it is, which keeps its numbers; parsing only checks it.
    checkRoots(manifest, asObject("data.json", parseJson("data.json", root, JSON.parse)));
    return root;
  }
  let data: Tree = {};
  for (const name of names) {
    const value = parseJson(name, files.get(name) ?? new Uint8Array(), parse);
    const path = name.split("/").slice(0, -1);
    const nested = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    data = merge(data, asObject(name, nested), name);
  }
  checkRoots(manifest, data);
  return Buffer.from(stringify(data) ?? "{}");
}

interface Tree {
  readonly [key: string]: unknown;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && value.constructor === Object;
}

function parseJson(name: string, bytes: Uint8Array, read: (text: string) => unknown): unknown {
  const text = decode(name, bytes);
  try {
    return read(text);
  } catch (error) {
    throw refuse(`"${name}" is not JSON`, error);
  }
}

function asObject(name: string, value: unknown): Tree {
  if (!isTree(value)) throw refuse(`"${name}" is not a JSON object`);
  return value;
}

function checkRoots(manifest: Manifest, data: Tree): void {
  const foreign = findForeign(manifest, data);
  if (foreign !== null) {
    throw refuse(`data at "${foreign.join("/")}" is not under the roots of .manifest`);
  }
}

function merge(one: Tree, other: Tree, name: string): Tree {
  const merged: Record<string, unknown> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const present = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (present === undefined) {
      Object.defineProperty(merged, key, { value, enumerable: true, writable: true });
    } else if (isTree(present) && isTree(value)) {
      merged[key] = merge(present, value, name);
    } else {
      throw refuse(`"${name}" says again what "${key}" is`);
    }
  }
  return merged;
}
