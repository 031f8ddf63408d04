/** Story 10: how requests get to the bouncer, and what of them it decides. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import {
  apply,
  containerLog,
  dryRun,
  initContainerNames,
  kubectl,
  pod,
  podAddress,
  rolledOut,
  tryKubectl,
} from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed, refused } from "./policy.ts";
import { appPort, barePod, deployment, job, service } from "./workloads.ts";

const { appImage: image } = readEnvironment();
const namespaces: string[] = [];
let client: Client;

async function namespaceFor(
  story: string,
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = {},
): Promise<string> {
  const keyed = Object.entries(annotations).map(([key, value]) => [`bouncer.dev/${key}`, value]);
  const name = await createNamespace(story, labels, Object.fromEntries(keyed) as typeof labels);
  namespaces.push(name);
  return name;
}

beforeAll(async () => {
  client = await createClient(await namespaceFor("outside"), image);
});

afterAll(async () => {
  await Promise.all(namespaces.map(deleteNamespace));
});

async function statusOf(base: string, ask: typeof allowed): Promise<number | string> {
  const answer = await client.request({ ...ask, url: base + ask.path });
  return answer.kind === "response" ? answer.status : answer.code;
}

describe("a namespace whose Pod Security level is restricted", () => {
  const restricted = {
    runAsNonRoot: true,
    runAsUser: 1000,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  const options = { image, container: { securityContext: restricted } };
  let namespace = "";

  beforeAll(async () => {
    namespace = await namespaceFor("restricted", {
      ...injected,
      "pod-security.kubernetes.io/enforce": "restricted",
    });
    await apply(
      service(namespace, "decided", "bouncer"),
      service(namespace, "direct"),
      deployment(namespace, "decided", options),
    );
    await rolledOut(namespace, "deployment/decided");
  });

  test("its pods have no redirect, and meet the level", async () => {
    expect(initContainerNames(await pod(namespace, "app=decided"))).toEqual([
      "policy-loader",
      "bouncer-sidecar",
    ]);
  });

  test("a Service that targets the bouncer's port is enforced", async () => {
    const base = `http://decided.${namespace}.svc`;
    expect(await statusOf(base, allowed)).toBe(200);
    expect(await statusOf(base, refused)).toBe(403);
  });

  test("who creates a pod is told which Services go past the bouncer", async () => {
    const labels = { app: "direct" };
    const { code, stderr } = await dryRun(barePod(namespace, "direct", { ...options, labels }));
    expect(code).toBe(0);
    expect(stderr).toContain("Warning: Service direct, port 80 with targetPort 3000");
    expect(stderr).toContain("its targetPort should be bouncer (8080)");
  });

  test("redirect, when asked for, is refused with the reason and not by Pod Security", async () => {
    await kubectl(`annotate namespace ${namespace} --overwrite bouncer.dev/mode=redirect`);
    await eventually(async () => {
      const { code, stderr } = await dryRun(barePod(namespace, "asked", options));
      expect(code).not.toBe(0);
      expect(stderr).toContain("redirect needs NET_ADMIN");
    });
    await kubectl(`annotate namespace ${namespace} bouncer.dev/mode-`);
  });
});

describe("a sidecar that is an ordinary container", () => {
  let namespace = "";
  let app: Pod;

  beforeAll(async () => {
    namespace = await namespaceFor("classic", injected);
    const annotations = { "bouncer.dev/native-sidecar": "false" };
    await apply(deployment(namespace, "orders", { image, annotations }));
    await rolledOut(namespace, "deployment/orders");
    app = await pod(namespace, "app=orders");
  });

  test("comes first, and is up before the application starts", async () => {
    expect(app.spec.containers.map(({ name }) => name)).toEqual(["bouncer-sidecar", "app"]);
    const query = `jsonpath={range .status.containerStatuses[*]}{.name}={.state.running.startedAt}{"\\n"}{end}`;
    const times = await kubectl(["get", "pod", "-n", namespace, app.metadata.name, "-o", query]);
    const started = Object.fromEntries(
      times
        .trim()
        .split("\n")
        .map((line) => line.split("=", 2)),
    ) as Readonly<Record<string, string>>;
    expect(Date.parse(started["app"] ?? "")).toBeGreaterThanOrEqual(
      Date.parse(started["bouncer-sidecar"] ?? ""),
    );
  });

  test("is enforced", async () => {
    const base = `http://${podAddress(app)}:${appPort}`;
    expect(await statusOf(base, allowed)).toBe(200);
    expect(await statusOf(base, refused)).toBe(403);
  });

  test("a Job is refused, and its events say why", async () => {
    const annotations = { "bouncer.dev/native-sidecar": "false" };
    const { stderr } = await tryKubectl("apply -f -", {
      input: JSON.stringify(job(namespace, "once", { image, annotations, command: ["true"] })),
    });
    expect(stderr).toContain("Warning: ");
    expect(stderr).toContain("The pod has to finish");
    await eventually(async () => {
      const events = await kubectl(`get events -n ${namespace} -o jsonpath={.items[*].message}`);
      expect(events).toContain("The pod has to finish");
    });
  });
});

describe("what is left undecided, and what is decided once", () => {
  const [openPort, echoPort] = [appPort + 100, appPort + 101];
  let namespace = "";
  let app: Pod;

  beforeAll(async () => {
    namespace = await namespaceFor("exclusions", injected, {
      "excluded-ports": `${openPort}`,
      "opaque-ports": `${echoPort}`,
    });
    const container = {
      env: [
        { name: "SECOND_PORT", value: `${openPort}` },
        { name: "TCP_PORT", value: `${echoPort}` },
      ],
      ports: [appPort, openPort, echoPort].map((containerPort) => ({ containerPort })),
    };
    await apply(deployment(namespace, "orders", { image, container }));
    await rolledOut(namespace, "deployment/orders");
    app = await pod(namespace, "app=orders");
  });

  test("an excluded port is open, the others are not", async () => {
    expect(await statusOf(`http://${podAddress(app)}:${openPort}`, refused)).toBe(200);
    expect(await statusOf(`http://${podAddress(app)}:${appPort}`, refused)).toBe(403);
  });

  test("an opaque port is decided by a policy that knows nothing of it: refused, and recorded", async () => {
    const answer = await client.request({ url: `http://${podAddress(app)}:${echoPort}/` });
    expect(answer.kind).toBe("failure");
    await eventually(async () => {
      const records = (await containerLog(app, "bouncer-sidecar"))
        .split("\n")
        .filter((line) => line.includes("decision_logs") && line.includes(`${echoPort}`));
      expect(records.join("\n")).toContain(`"verdict":"deny"`);
    });
  });

  test("a client of an excluded network is let through", async () => {
    await kubectl([
      "annotate",
      "namespace",
      namespace,
      `bouncer.dev/excluded-source-cidrs=${client.address}`,
    ]);
    await eventually(async () => {
      await apply(barePod(namespace, "trusting", { image }));
      await kubectl(`wait pod/trusting -n ${namespace} --for=condition=Ready --timeout=60s`);
      const trusting = await pod(namespace, "app=trusting");
      expect(await statusOf(`http://${podAddress(trusting)}:${appPort}`, refused)).toBe(200);
    });
  });
});

test("in shadow mode nothing is refused, and the record says what would have been", async () => {
  const namespace = await namespaceFor("shadow", injected, { shadow: "true" });
  await eventually(async () => {
    const { stderr } = await dryRun(barePod(namespace, "warned", { image }));
    expect(stderr).toContain("decides and records, and refuses nothing");
  });
  await apply(deployment(namespace, "orders", { image }));
  await rolledOut(namespace, "deployment/orders");
  const app = await pod(namespace, "app=orders");
  const path = `/orders/${Date.now()}`;
  expect(await statusOf(`http://${podAddress(app)}:${appPort}`, { ...refused, path })).toBe(200);
  await eventually(async () => {
    const lines = (await containerLog(app, "bouncer-sidecar")).split("\n");
    const record = lines.find((line) => line.includes(path)) ?? "";
    expect(record).toContain(`"shadow":true`);
    expect(record).toContain(`"verdict":"deny"`);
  });
});

test("a degraded route is open while there is no policy, all others are not", async () => {
  const namespace = await namespaceFor("degraded", injected, {
    "degraded-routes": "GET /health",
    // Nobody has this bundle.
    "bundle-url": "https://bouncer-injector-bridge.bouncer-system.svc:8443/bundles/none.tar.gz",
  });
  await eventually(async () => {
    await apply(barePod(namespace, "orders", { image }));
    const app = await pod(namespace, "app=orders");
    const base = `http://${podAddress(app)}:${appPort}`;
    expect(await statusOf(base, { ...allowed, path: "/health" })).toBe(200);
    expect(await statusOf(base, allowed)).toBe(503);
  });
});
