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

interface Grant {
  readonly methods: readonly string[];
  readonly path: string;
}
/** What each role may do. */
export type Roles = Readonly<Record<string, readonly Grant[]>>;

/** What is different from the example. */
interface Change {
  readonly roles: (roles: Roles) => Roles;
  /** Fields of the input that are declared as well, and so in audit records. */
  readonly input?: readonly string[];
}

/** Path of a bundle that the real `opa` has built. */
export async function buildPolicy(name: PolicyName): Promise<string> {
  return build(name, name === "usual" ? null : { roles: () => ({}) });
}

/** The example's, but for what is changed; `name` is its revision. */
export async function buildPolicyOf(name: string, change: Change): Promise<string> {
  return build(name, change);
}

async function build(name: string, change: Change | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `bouncer-e2e-${name}-`));
  const source = join(folder, "policy");
  await cp(example, source, { recursive: true, filter: (path) => !path.endsWith("/dist") });
  if (change !== null) {
    await changeRoles(join(source, "data.json"), change.roles);
    await declare(join(source, ".manifest"), change.input ?? []);
    // The policy's own tests say what the usual data grants.
    await writeFile(join(source, "authz_test.rego"), "package envoy.authz_test\n");
  }
  const output = join(folder, "policy.tar.gz");
  await run(join(source, "build.sh"), [output, name]);
  return output;
}

async function changeRoles(dataFile: string, change: (roles: Roles) => Roles): Promise<void> {
  const data = JSON.parse(await readFile(dataFile, "utf8")) as { orders: { roles: Roles } };
  data.orders.roles = change(data.orders.roles);
  await writeFile(dataFile, JSON.stringify(data));
}

interface Declaring {
  readonly metadata: { readonly bouncer: { input: readonly string[] } };
}

async function declare(manifestFile: string, input: readonly string[]): Promise<void> {
  const manifest = JSON.parse(await readFile(manifestFile, "utf8")) as Declaring;
  const { bouncer } = manifest.metadata;
  bouncer.input = [...bouncer.input, ...input];
  await writeFile(manifestFile, JSON.stringify(manifest));
}
