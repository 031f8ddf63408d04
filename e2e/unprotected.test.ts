/** Story 12: pods that run without the bouncer they should have are found, and made anew when asked. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEnvironment, release } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { install } from "./install.ts";
import { apply, initContainerNames, kubectl, pods, rolledOut } from "./kubernetes.ts";
import { kubectlBouncer } from "./kubectl-bouncer.ts";
import { createNamespace, deleteNamespace } from "./namespaces.ts";
import { deployment } from "./workloads.ts";

const environment = readEnvironment();
const { appImage: image } = environment;
const fast = "--set reconciler.intervalSeconds=2";
let namespace = "";

beforeAll(async () => {
  namespace = await createNamespace("unprotected");
  await apply(deployment(namespace, "orders", { image, replicas: 2 }));
  await rolledOut(namespace, "deployment/orders");
  await kubectl(`label namespace ${namespace} bouncer-injection=enabled`);
  await install(environment, fast);
});

afterAll(async () => {
  await install(environment);
  await deleteNamespace(namespace);
});

/** The gauge, of whichever replica counts. */
async function unprotected(): Promise<number> {
  const selector = "app.kubernetes.io/component=injector";
  const replicas = await pods(release.namespace, selector);
  const texts = await Promise.all(
    replicas.map(({ metadata }) =>
      kubectl(
        `get --raw /api/v1/namespaces/${release.namespace}/pods/${metadata.name}:9090/proxy/metrics`,
      ),
    ),
  );
  const lines = texts.join("\n").split("\n");
  const counts = lines
    .filter((line) => line.startsWith("bouncer_injector_unprotected_pods{"))
    .filter((line) => line.includes(`"${namespace}"`))
    .map((line) => Number(line.split(" ").at(-1)));
  return Math.max(0, ...counts);
}

test("they are counted, and their owner has an event", async () => {
  await eventually(async () => expect(await unprotected()).toBe(2));
  await eventually(async () => {
    const reasons = await kubectl(`get events -n ${namespace} -o jsonpath={.items[*].reason}`);
    expect(reasons).toContain("BouncerUnprotected");
  });
});

test("outdated names them", async () => {
  const { code, stdout } = await kubectlBouncer(`outdated -n ${namespace}`);
  expect(code).toBe(3);
  expect(stdout).toContain("orders");
});

test("they are evicted when the operator wants it, and a disruption budget holds", async () => {
  await apply({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "orders", namespace },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: "orders" } } },
  });
  await install(environment, `${fast} --set reconciler.evict=true`);
  await eventually(
    async () => {
      const found = await pods(namespace, "app=orders");
      expect(found.map(initContainerNames)).toEqual([
        expect.arrayContaining(["bouncer-sidecar"]),
        expect.arrayContaining(["bouncer-sidecar"]),
      ]);
    },
    { timeoutMs: 120_000 },
  );
  await rolledOut(namespace, "deployment/orders");
  await eventually(async () => expect(await unprotected()).toBe(0));
});

test("outdated --restart brings what is older to the configuration in force", async () => {
  await install(environment, "--set bouncer.preset=medium");
  await eventually(async () => {
    const { code } = await kubectlBouncer(`outdated -n ${namespace}`);
    expect(code).toBe(3);
  });
  const { code, stdout, stderr } = await kubectlBouncer(
    `outdated -n ${namespace} --restart --timeout 120s`,
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toContain("orders");
  const { code: after } = await kubectlBouncer(`outdated -n ${namespace}`);
  expect(after).toBe(0);
});
