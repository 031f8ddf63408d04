/** Story 9: helm upgrade, rollback and uninstall, with injected pods running all the time. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment, release, webhookName } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { install, publish, ready } from "./install.ts";
import {
  apply,
  dryRun,
  initContainerNames,
  kubectl,
  pod,
  podAddress,
  rolledOut,
} from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed, buildPolicy, refused } from "./policy.ts";
import { run } from "./program.ts";
import { appPort, barePod, deployment } from "./workloads.ts";

const environment = readEnvironment();
const { appImage: image } = environment;
let namespace = "";
let outside = "";
let client: Client;
let app: Pod;

beforeAll(async () => {
  namespace = await createNamespace("release", injected);
  outside = await createNamespace("outside");
  await apply(deployment(namespace, "orders", { image }));
  client = await createClient(outside, image);
  await rolledOut(namespace, "deployment/orders");
  app = await pod(namespace, "app=orders");
});

afterAll(async () => {
  await install(environment);
  await publish({ "policy.tar.gz": await buildPolicy("usual") });
  await Promise.all([deleteNamespace(namespace), deleteNamespace(outside)]);
});

async function injectedPod(): Promise<Pod> {
  const result = await dryRun(barePod(namespace, "probe", { image }));
  expect(result.stderr).not.toMatch(/error/i);
  return JSON.parse(result.stdout) as Pod;
}

async function preset(): Promise<unknown> {
  const object = await injectedPod();
  const sidecar = object.spec.initContainers?.find((c) => c.name === "bouncer-sidecar");
  return sidecar?.["resources"];
}

async function caBundle(): Promise<string> {
  return kubectl(
    `get mutatingwebhookconfiguration ${webhookName} -o jsonpath={.webhooks[0].clientConfig.caBundle}`,
  );
}

async function expectEnforced(): Promise<void> {
  const base = `http://${podAddress(app)}:${appPort}`;
  expect(await client.request({ ...allowed, url: base + allowed.path })).toMatchObject({
    status: 200,
  });
  expect(await client.request({ ...refused, url: base + refused.path })).toMatchObject({
    status: 403,
  });
}

test("upgrade changes what new pods get, rollback changes it back, the authority stays", async () => {
  const before = await caBundle();
  expect(before).not.toBe("");
  const small = await preset();
  await install(environment, "--set bouncer.preset=medium");
  // A replica that is going answers what still comes to it, by the settings that it has.
  await eventually(async () => expect(await preset()).not.toEqual(small));
  await run("helm", `rollback ${release.name} -n ${release.namespace} --wait`, {
    timeoutMs: 200_000,
  });
  await ready();
  await eventually(async () => expect(await preset()).toEqual(small));
  expect(await caBundle()).toBe(before);
  await expectEnforced();
});

test("helm test passes", async () => {
  const report = await run("helm", `test ${release.name} -n ${release.namespace}`, {
    timeoutMs: 180_000,
  });
  expect(report).toContain("Succeeded");
});

test("uninstall leaves nothing that blocks pods, and running pods stay enforced", async () => {
  await run("helm", `uninstall ${release.name} -n ${release.namespace} --wait`, {
    timeoutMs: 200_000,
  });
  // The API server forgets a webhook within a moment, not at once.
  await eventually(async () => expect(initContainerNames(await injectedPod())).toEqual([]));
  const selector = `-l app.kubernetes.io/instance=${release.name}`;
  const kinds = "mutatingwebhookconfigurations,clusterroles,clusterrolebindings";
  const left = await kubectl(`get ${kinds} ${selector} -o name`);
  expect(left).toBe("");
  await expectEnforced();
});
