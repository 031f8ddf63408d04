/** The policy on disk, and what `opa` makes of it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildData, buildModule, entrypoint, type Identity, inputFields } from "./policy.ts";

export interface Setting extends Disposable {
  /** Rego and data, for opa. */
  readonly sources: string;
  readonly data: Uint8Array;
  /** Compiled bundles, for the bouncer: the policy gets the whole input, or what it reads of it. */
  readonly whole: Uint8Array;
  readonly declared: Uint8Array;
  /** As `declared`, of another revision. */
  readonly next: Uint8Array;
  /** A folder for anything else. */
  readonly folder: string;
}

/** What the sources are made of. */
export interface Source {
  /** Rego. */
  readonly module: string;
  /** JSON. */
  readonly data: Uint8Array;
  /** What the policy reads, as `bouncer bundle` would declare it. */
  readonly fields: readonly string[];
}

export function createSetting(dataBytes: number, identity: Identity): Setting {
  return buildSetting({
    module: buildModule(identity),
    data: buildData(dataBytes),
    fields: inputFields,
  });
}

export function buildSetting({ module, data, fields }: Source): Setting {
  const folder = mkdtempSync(join(tmpdir(), "bouncer-bench-policy-"));
  const sources = join(folder, "sources");
  mkdirSync(sources);
  writeFileSync(join(sources, "authz.rego"), module);
  writeFileSync(join(sources, "data.json"), data);
  const build = (revision: string, metadata: object): Uint8Array => {
    writeFileSync(join(sources, ".manifest"), JSON.stringify({ revision, metadata }));
    const bundle = join(folder, "bundle.tar.gz");
    const mode = ["build", "-b", "-t", "wasm", "-e", entrypoint, "-o", bundle];
    execFileSync("opa", [...mode, sources], { stdio: ["ignore", "ignore", "inherit"] });
    return readFileSync(bundle);
  };
  return {
    sources,
    data,
    folder,
    whole: build("one", {}),
    declared: build("one", { bouncer: { input: fields } }),
    next: build("two", { bouncer: { input: fields } }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
