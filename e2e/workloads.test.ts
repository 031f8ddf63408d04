/** Story 4: every kind of workload, init containers with the network, and probes of every kind. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { apply, execute, initContainerNames, kubectl, pod, pods, waitReady } from "./kubernetes.ts";
import type { Manifest } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { appContainer, appPort, barePod, deployment, podTemplate } from "./workloads.ts";

const { appImage: image } = readEnvironment();
let namespace = "";

beforeAll(async () => {
  namespace = await createNamespace("workloads", injected);
});

afterAll(async () => {
  await deleteNamespace(namespace);
});

const added = ["bouncer-redirect", "policy-loader", "bouncer-sidecar"];

function workload(kind: "StatefulSet" | "DaemonSet", name: string): Manifest {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, { image }),
      ...(kind === "StatefulSet" ? { serviceName: name } : {}),
    },
  };
}

const runToCompletion = { command: ["node", "-e", "console.log('done')"], ports: [] };

function jobTemplate(name: string) {
  const template = podTemplate(name, { image, container: runToCompletion });
  return { ...template, spec: { ...template.spec, restartPolicy: "Never" } };
}

describe("workloads", () => {
  test("Deployment, StatefulSet, DaemonSet and a bare pod turn Ready with the bouncer", async () => {
    const names = ["deployment", "statefulset", "daemonset", "bare"] as const;
    await apply(
      deployment(namespace, "deployment", { image }),
      workload("StatefulSet", "statefulset"),
      workload("DaemonSet", "daemonset"),
      barePod(namespace, "bare", { image }),
    );
    for (const name of names) {
      const object = await eventually(() => pod(namespace, `app=${name}`));
      expect(initContainerNames(object)).toEqual(added);
      await waitReady(namespace, `app=${name}`);
    }
  });

  test("a Job and a CronJob's Job complete", async () => {
    await apply(
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "job", namespace },
        spec: { backoffLimit: 0, template: jobTemplate("job") },
      },
      {
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name: "cron", namespace },
        spec: {
          schedule: "0 0 1 1 *",
          jobTemplate: { spec: { backoffLimit: 0, template: jobTemplate("cron") } },
        },
      },
    );
    await kubectl(`create job cron-now --from=cronjob/cron -n ${namespace}`);
    for (const job of ["job", "cron-now"]) {
      await kubectl([
        "wait",
        `job/${job}`,
        "-n",
        namespace,
        "--for=condition=Complete",
        "--timeout=120s",
      ]);
    }
    for (const name of ["job", "cron"]) {
      const [done] = await pods(namespace, `app=${name}`);
      expect(done?.status.phase).toBe("Succeeded");
      expect(done?.spec.initContainers?.map((container) => container.name)).toEqual(added);
    }
  });

  test("the pod's own init containers have the network", async () => {
    const connect = `require("node:net").connect(443, "kubernetes.default.svc", () => process.exit(0)).on("error", (e) => { console.error(e.code); process.exit(1); })`;
    const init = { name: "needs-network", image, command: ["node", "-e", connect] };
    await apply(barePod(namespace, "init", { image, initContainers: [init] }));
    await waitReady(namespace, "app=init");
    expect(initContainerNames(await pod(namespace, "app=init"))).toEqual([
      ...added,
      "needs-network",
    ]);
  });
});

async function containerReady(name: string): Promise<boolean> {
  const { status } = await pod(namespace, "app=probes");
  return status.containerStatuses?.find((s) => s.name === name)?.ready ?? false;
}

describe("probes follow the application, not the bouncer", () => {
  const period = { periodSeconds: 1, failureThreshold: 2 };
  const base = appPort + 10;
  const unhealthyFile = "/tmp/unhealthy";
  const env = (values: Readonly<Record<string, number>>) => [
    { name: "UNHEALTHY_FILE", value: unhealthyFile },
    ...Object.entries(values).map(([name, value]) => ({ name, value: `${value}` })),
  ];
  const containers = [
    appContainer(image, {
      name: "http",
      env: env({ PORT: base }),
      ports: [{ name: "web", containerPort: base }],
      readinessProbe: { httpGet: { path: "/health", port: "web" }, ...period },
    }),
    appContainer(image, {
      name: "tcp",
      env: env({ PORT: base + 1, TCP_PORT: base + 2 }),
      ports: [{ containerPort: base + 1 }, { containerPort: base + 2 }],
      readinessProbe: { tcpSocket: { port: base + 2 }, ...period },
    }),
    appContainer(image, {
      name: "grpc",
      env: env({ PORT: base + 3, GRPC_PORT: base + 4 }),
      ports: [{ containerPort: base + 3 }, { containerPort: base + 4 }],
      readinessProbe: { grpc: { port: base + 4 }, ...period },
    }),
    appContainer(image, {
      name: "exec",
      env: env({ PORT: base + 5 }),
      ports: [{ containerPort: base + 5 }],
      readinessProbe: { exec: { command: ["test", "!", "-e", unhealthyFile] }, ...period },
    }),
  ];

  beforeAll(async () => {
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "probes", namespace, labels: { app: "probes" } } as { name: string },
      spec: { containers, terminationGracePeriodSeconds: 5 },
    });
    await waitReady(namespace, "app=probes");
  });

  test.each(["http", "tcp", "grpc", "exec"])("%s", async (container) => {
    const object = await pod(namespace, "app=probes");
    expect(await containerReady(container)).toBe(true);
    await execute(object, container, ["touch", unhealthyFile]);
    await eventually(async () => expect(await containerReady(container)).toBe(false));
    await execute(object, container, ["rm", unhealthyFile]);
    await eventually(async () => expect(await containerReady(container)).toBe(true));
  });
});
