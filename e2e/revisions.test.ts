/** Story 14: two injectors side by side; a namespace goes to the new one, and back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { policyConfigMap, readEnvironment, release } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { installBeside, uninstallBeside } from "./install.ts";
import { dryRun, kubectl } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { kubectlBouncer } from "./kubectl-bouncer.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { barePod } from "./workloads.ts";

const environment = readEnvironment();
const canary = {
  name: "bouncer-injector-canary",
  namespace: release.namespace,
  revision: "canary",
};
let namespace = "";

beforeAll(async () => {
  namespace = await createNamespace("revision", injected);
  const values = `bouncer.preset=large,bridge.bundleConfigMap=${policyConfigMap}`;
  await installBeside(environment, canary, `--set ${values}`);
});

afterAll(async () => {
  await uninstallBeside(canary);
  await deleteNamespace(namespace);
});

/** The revision and size that a new pod gets, and how often it is injected. */
async function chosen() {
  const { code, stdout, stderr } = await dryRun(
    barePod(namespace, "probe", { image: environment.appImage }),
  );
  if (code !== 0) throw new Error(stderr);
  const object = JSON.parse(stdout) as Pod;
  const status = JSON.parse(object.metadata.annotations?.["bouncer.dev/status"] ?? "{}") as {
    readonly chosen: { readonly revision: string; readonly preset: string };
  };
  const sidecars = (object.spec.initContainers ?? []).filter((c) => c.name === "bouncer-sidecar");
  return {
    revision: status.chosen.revision,
    preset: status.chosen.preset,
    sidecars: sidecars.length,
  };
}

test("a namespace without a revision stays with the injector that has none", async () => {
  expect(await chosen()).toEqual({ revision: "", preset: "small", sidecars: 1 });
});

test("with the label it goes to the new one, and without it back", async () => {
  await kubectl(`label namespace ${namespace} bouncer.dev/rev=canary`);
  await eventually(async () =>
    expect(await chosen()).toEqual({ revision: "canary", preset: "large", sidecars: 1 }),
  );
  await kubectl(`label namespace ${namespace} bouncer.dev/rev-`);
  await eventually(async () =>
    expect(await chosen()).toEqual({ revision: "", preset: "small", sidecars: 1 }),
  );
});

test("check sees both, and a namespace of a revision that nobody serves", async () => {
  const sound = await kubectlBouncer("check");
  expect(sound.stdout).toContain("canary");
  expect(sound).toMatchObject({ code: 0 });
  await kubectl(`label namespace ${namespace} bouncer.dev/rev=gone`);
  const { code, stdout } = await kubectlBouncer("check");
  expect(stdout).toContain("gone");
  expect(code).toBe(3);
  await kubectl(`label namespace ${namespace} bouncer.dev/rev-`);
});
