/** Story 13: what the operator decides for all: who is left out, who never is, and what no pod may have. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { install, start, stop } from "./install.ts";
import {
  apply,
  dryRun,
  initContainerNames,
  kubectl,
  pod,
  tryKubectl,
  waitReady,
} from "./kubernetes.ts";
import type { Manifest, Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { barePod } from "./workloads.ts";
import type { AppOptions } from "./workloads.ts";

const environment = readEnvironment();
const { appImage: image } = environment;
let namespace = "";

beforeAll(async () => {
  namespace = await createNamespace("operator", injected);
  const values = [
    "injection.neverSelector.matchLabels.builder=yes",
    "injection.alwaysSelector.matchLabels.exposed=yes",
    "bypassPolicy.enabled=true",
  ];
  await install(environment, `--set ${values.join(",")}`);
});

afterAll(async () => {
  await install(environment);
  await deleteNamespace(namespace);
});

async function sidecarOf(options: Omit<AppOptions, "image">): Promise<boolean> {
  const { code, stdout, stderr } = await dryRun(barePod(namespace, "probe", { image, ...options }));
  if (code !== 0) throw new Error(stderr);
  return initContainerNames(JSON.parse(stdout) as Pod).includes("bouncer-sidecar");
}

const optOut = { "bouncer.dev/inject": "false" };

test.each<{ who: string; options: Omit<AppOptions, "image">; sidecar: boolean }>([
  { who: "nobody special", options: {}, sidecar: true },
  { who: "opted out by label", options: { labels: optOut }, sidecar: false },
  { who: "opted out by annotation", options: { annotations: optOut }, sidecar: false },
  { who: "never selected", options: { labels: { builder: "yes" } }, sidecar: false },
  {
    who: "always selected, opted out by label",
    options: { labels: { exposed: "yes", ...optOut } },
    sidecar: true,
  },
  {
    who: "always selected, opted out by annotation",
    options: { labels: { exposed: "yes" }, annotations: optOut },
    sidecar: true,
  },
])("$who: sidecar $sidecar", async ({ options, sidecar }) => {
  await eventually(async () => expect(await sidecarOf(options)).toBe(sidecar));
});

function edited(edit: (spec: Record<string, unknown>) => void): Manifest {
  const object = barePod(namespace, "bypass", { image });
  edit(object["spec"] as Record<string, unknown>);
  return object;
}

const container = (securityContext: object) => () =>
  barePod(namespace, "bypass", { image, container: { securityContext } });

describe("pods that could get past the bouncer are refused", () => {
  const forged = { "bouncer.dev/status": "{}" };

  test.each<readonly [string, () => Manifest, RegExp]>([
    ["NET_ADMIN", container({ capabilities: { add: ["NET_ADMIN"] } }), /NET_ADMIN/],
    ["privileged", container({ privileged: true }), /privileged/],
    ["hostPID", () => edited((spec) => (spec["hostPID"] = true)), /hostPID/],
    [
      "a shared process namespace",
      () => edited((spec) => (spec["shareProcessNamespace"] = true)),
      /shareProcessNamespace/,
    ],
    [
      "a forged status on a pod that opts out",
      () => barePod(namespace, "bypass", { image, labels: optOut, annotations: forged }),
      /bouncer\.dev\/status/,
    ],
  ])("%s", async (_, manifest, message) => {
    await eventually(async () => {
      const { code, stderr } = await dryRun(manifest());
      expect(stderr).toMatch(message);
      expect(code).not.toBe(0);
    });
  });

  test("an ordinary pod, with our own redirect step in it, is not", async () => {
    await apply(barePod(namespace, "ordinary", { image }));
    await waitReady(namespace, "app=ordinary");
    expect(initContainerNames(await pod(namespace, "app=ordinary"))).toContain("bouncer-redirect");
  });

  test("a debug container that could change the rules", async () => {
    const { stderr, code } = await tryKubectl(
      `debug -n ${namespace} ordinary --image=${image} --image-pull-policy=IfNotPresent --profile=netadmin --attach=false -- true`,
    );
    expect(stderr).toMatch(/NET_ADMIN/);
    expect(code).not.toBe(0);
  });

  test("a namespace that the operator exempts", async () => {
    await kubectl(`label namespace ${namespace} bouncer.dev/bypass-policy=exempt`);
    await eventually(async () => {
      const { code } = await dryRun(container({ capabilities: { add: ["NET_ADMIN"] } })());
      expect(code).toBe(0);
    });
    await kubectl(`label namespace ${namespace} bouncer.dev/bypass-policy-`);
  });
});

describe("while the webhook is down", () => {
  beforeAll(async () => {
    await stop("injector");
  });

  afterAll(async () => {
    await start("injector");
  });

  test("a pod that is never selected starts", async () => {
    await eventually(async () => {
      await apply(barePod(namespace, "builder", { image, labels: { builder: "yes" } }));
    });
    await waitReady(namespace, "app=builder");
    expect(initContainerNames(await pod(namespace, "app=builder"))).toEqual([]);
  });

  test("a pod that is always selected cannot opt out of waiting", async () => {
    const labels = { exposed: "yes", ...optOut };
    await eventually(async () => {
      const { stderr } = await dryRun(barePod(namespace, "exposed", { image, labels }));
      expect(stderr).toMatch(/failed calling webhook/);
    });
  });
});
