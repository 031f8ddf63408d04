/** The policies on disk: as `opa build` makes them, and as `bouncer load` leaves them for the bouncer. */
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { environment } from "../../../bouncer/src/contract.ts";
import { buildData, entrypoint, inputFields, rego, regoOfAllowAll } from "./policy.ts";

const run = promisify(execFile);

/** A policy: with so many rules, or one that allows everything, or one that declares no input. */
export type PolicyName = "rules-10" | "rules-100" | "rules-1000" | "rules-10000" | Special;
type Special = "allow-all" | "undeclared";

export const baseRules = 10;

export interface Setting {
  /** Rego and data, for `opa run`. */
  readonly sources: string;
  /** `POLICY_DIRECTORY` of the bouncer. */
  readonly directories: Readonly<Record<PolicyName, string>>;
  /** The same URL for all: only its last segment, the name of the bundle, means anything. */
  readonly bundleUrl: string;
}

interface Source {
  readonly module: string;
  readonly rules: number;
  readonly metadata: object;
}

const declared = { bouncer: { input: inputFields } };
const sources: Readonly<Record<PolicyName, Source>> = {
  "rules-10": { module: rego, rules: baseRules, metadata: declared },
  "rules-100": { module: rego, rules: 100, metadata: declared },
  "rules-1000": { module: rego, rules: 1000, metadata: declared },
  "rules-10000": { module: rego, rules: 10_000, metadata: declared },
  "allow-all": { module: regoOfAllowAll, rules: 0, metadata: { bouncer: { input: [] } } },
  undeclared: { module: rego, rules: baseRules, metadata: {} },
};
const base = "rules-10";

export async function createSetting(
  folder: string,
  names: readonly PolicyName[],
  program: string,
): Promise<Setting> {
  let served: Uint8Array = Buffer.alloc(0);
  const server = createServer((_request, response) => {
    response.end(served);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bundleUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/policy.tar.gz`;
  const directories = new Map<string, string>();
  for (const name of new Set([base, ...names] as const)) {
    const place = join(folder, name);
    mkdirSync(place);
    served = build(place, sources[name]);
    const directory = join(folder, `${name}-loaded`);
    mkdirSync(directory);
    await run(process.execPath, [program, "load"], {
      env: {
        [environment.policyBundleUrl]: bundleUrl,
        [environment.policyDirectory]: directory,
        [environment.logLevel]: "error",
      },
    });
    directories.set(name, directory);
  }
  server.close();
  server.closeAllConnections();
  return {
    sources: join(folder, base),
    directories: Object.fromEntries(directories) as Record<PolicyName, string>,
    bundleUrl,
  };
}

function build(place: string, { module, rules, metadata }: Source): Uint8Array {
  writeFileSync(join(place, "authz.rego"), module);
  writeFileSync(join(place, "data.json"), JSON.stringify(buildData(rules)));
  writeFileSync(join(place, ".manifest"), JSON.stringify({ revision: "one", metadata }));
  const bundle = `${place}.tar.gz`;
  execFileSync("opa", ["build", "-b", "-t", "wasm", "-e", entrypoint, "-o", bundle, place], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return readFileSync(bundle);
}
