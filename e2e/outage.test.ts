/** Story 7: the webhook is down. Labelled namespaces wait, everybody else goes on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { start, stop } from "./install.ts";
import { apply, dryRun, initContainerNames, pod, pods, waitReady } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { barePod, deployment } from "./workloads.ts";

const { appImage: image } = readEnvironment();
let labelled = "";
let unlabelled = "";

beforeAll(async () => {
  labelled = await createNamespace("outage", injected);
  unlabelled = await createNamespace("bystander");
  await stop("injector");
});

afterAll(async () => {
  await start("injector");
  await Promise.all([deleteNamespace(labelled), deleteNamespace(unlabelled)]);
});

test("pods of a labelled namespace are refused, and the message says by whom", async () => {
  await eventually(async () => {
    const result = await dryRun(barePod(labelled, "refused", { image }));
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/failed calling webhook ".*bouncer\.dev"/);
  });
});

test.each([
  { who: "opted out by label", options: { labels: { "bouncer.dev/inject": "false" } } },
  { who: "opted out by annotation", options: { annotations: { "bouncer.dev/inject": "false" } } },
])("a pod $who starts", async ({ who, options }) => {
  const name = who.replaceAll(" ", "-");
  await apply(barePod(labelled, name, { image, ...options }));
  await waitReady(labelled, `app=${name}`);
  expect(initContainerNames(await pod(labelled, `app=${name}`))).toEqual([]);
});

test("pods of other namespaces start", async () => {
  await apply(barePod(unlabelled, "bystander", { image }));
  await waitReady(unlabelled, "app=bystander");
  expect(initContainerNames(await pod(unlabelled, "app=bystander"))).toEqual([]);
});

test("a Deployment waits, and goes on by itself when the webhook is back", async () => {
  await apply(deployment(labelled, "patient", { image }));
  await start("injector");
  await eventually(async () => expect(await pods(labelled, "app=patient")).toHaveLength(1), {
    timeoutMs: 120_000,
  });
  await waitReady(labelled, "app=patient");
  expect(initContainerNames(await pod(labelled, "app=patient"))).toContain("bouncer-sidecar");
});
