/** The example policy, as the stories use it. */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./program.ts";

const example = fileURLToPath(new URL("../examples/policy", import.meta.url));

/** A request but for its host. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Bob may look at orders ... */
export const allowed: Ask = {
  method: "GET",
  path: "/orders/7",
  headers: { authorization: "Bearer bob-token" },
};

/** ... and not delete them. */
export const refused: Ask = { ...allowed, method: "DELETE" };

/** `usual` is the example as it is; `closed` knows the same callers and grants nobody anything. */
export type PolicyName = "usual" | "closed";

/** Path of a bundle that the real `opa` has built. */
export async function buildPolicy(name: PolicyName): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `bouncer-e2e-${name}-`));
  const source = join(folder, "policy");
  await cp(example, source, { recursive: true, filter: (path) => !path.endsWith("/dist") });
  if (name === "closed") {
    await close(join(source, "data.json"));
    // The policy's own tests say what the usual data grants.
    await writeFile(join(source, "authz_test.rego"), "package envoy.authz_test\n");
  }
  const output = join(folder, "policy.tar.gz");
  await run(join(source, "build.sh"), [output, name]);
  return output;
}

async function close(dataFile: string): Promise<void> {
  const data = JSON.parse(await readFile(dataFile, "utf8")) as { orders: { roles: unknown } };
  data.orders.roles = {};
  await writeFile(dataFile, JSON.stringify(data));
}
