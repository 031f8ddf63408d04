/** Story 3: which pods are injected, asked of the real API server. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEnvironment, release } from "./environment.ts";
import { dryRun, initContainerNames } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { barePod } from "./workloads.ts";
import type { AppOptions } from "./workloads.ts";

const { appImage } = readEnvironment();
let labelled = "";
let unlabelled = "";

beforeAll(async () => {
  labelled = await createNamespace("labelled", injected);
  unlabelled = await createNamespace("unlabelled");
});

afterAll(async () => {
  await Promise.all([deleteNamespace(labelled), deleteNamespace(unlabelled)]);
});

const optOut = { "bouncer.dev/inject": "false" };

interface Row {
  readonly where: string;
  readonly namespace: () => string;
  readonly options?: Omit<AppOptions, "image">;
  readonly sidecar: boolean;
}

const rows: readonly Row[] = [
  { where: "a labelled namespace", namespace: () => labelled, sidecar: true },
  { where: "an unlabelled namespace", namespace: () => unlabelled, sidecar: false },
  { where: "kube-system", namespace: () => "kube-system", sidecar: false },
  { where: "the release's namespace", namespace: () => release.namespace, sidecar: false },
  {
    where: "a labelled namespace, opted out by label",
    namespace: () => labelled,
    options: { labels: optOut },
    sidecar: false,
  },
  {
    where: "a labelled namespace, opted out by annotation",
    namespace: () => labelled,
    options: { annotations: optOut },
    sidecar: false,
  },
  {
    where: "a labelled namespace, with a value that is neither true nor false",
    namespace: () => labelled,
    options: { annotations: { "bouncer.dev/inject": "off" } },
    sidecar: true,
  },
];

test.each(rows)("$where: sidecar $sidecar", async ({ namespace, options, sidecar }) => {
  const result = await dryRun(barePod(namespace(), "probe", { image: appImage, ...options }));
  expect(result.stderr).not.toMatch(/error/i);
  const pod = JSON.parse(result.stdout) as Pod;
  expect(initContainerNames(pod).includes("bouncer-sidecar")).toBe(sidecar);
});

test("a wrong annotation is refused with its name, its value and what is accepted", async () => {
  const annotations = { "bouncer.dev/preset": "huge" };
  const result = await dryRun(barePod(labelled, "probe", { image: appImage, annotations }));
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain("bouncer.dev/preset");
  expect(result.stderr).toContain("huge");
  expect(result.stderr).toContain("medium");
});
