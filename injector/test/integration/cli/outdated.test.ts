import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inject } from "../../../src/inject/pod.ts";
import { buildContext, buildSettings } from "../../support/context.ts";
import { type Cluster, install, startCluster, version } from "./cluster.ts";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster();
  install(cluster, "cacheTtl: 60");
});
afterEach(() => cluster.close());

const now = { cacheTtl: 60 };
const before = { cacheTtl: 5 };
const pods = "/api/v1/namespaces/shop/pods";
const apps = "/apis/apps/v1/namespaces/shop";

interface PodOptions {
  /** Settings that it was injected by; null: it was not. */
  readonly settings: object | null;
  readonly owner?: readonly [kind: string, name: string];
  readonly by?: string;
}

function putPod(name: string, { settings, owner, by = version }: PodOptions): void {
  const [kind, ownerName] = owner ?? [];
  const ownerReferences =
    kind === undefined ? [] : [{ apiVersion: "apps/v1", kind, name: ownerName, controller: true }];
  const labels = { app: ownerName ?? name };
  const pod = {
    metadata: { name, namespace: "shop", uid: `uid-of-${name}`, labels, ownerReferences },
    spec: { containers: [{ name: "web", image: "web", ports: [{ containerPort: 3000 }] }] },
    status: { phase: "Running" },
  };
  if (settings === null) {
    cluster.objects.set(`${pods}/${name}`, pod);
    return;
  }
  const context = buildContext({ settings: buildSettings(settings), version: by });
  const injection = inject(pod, context);
  if (injection.kind !== "inject") throw new Error(injection.reason);
  cluster.objects.set(`${pods}/${name}`, injection.pod);
}

const up = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };

function putWorkload(plural: string, name: string, spec: object = {}, status: object = up): void {
  const metadata = { name, generation: 1 };
  cluster.objects.set(`${apps}/${plural}/${name}`, {
    metadata,
    spec: { replicas: 1, ...spec },
    status,
  });
}

/** A Deployment with its ReplicaSet and one pod. */
function putDeployment(name: string, settings: object | null, spec: object = {}): void {
  putWorkload("deployments", name, spec);
  const ownerReferences = [{ apiVersion: "apps/v1", kind: "Deployment", name, controller: true }];
  cluster.objects.set(`${apps}/replicasets/${name}-7`, {
    metadata: { name: `${name}-7`, ownerReferences },
    spec: {},
  });
  putPod(`${name}-7-x`, { settings, owner: ["ReplicaSet", `${name}-7`] });
}

const budget = (app: string, disruptionsAllowed: number): void => {
  cluster.objects.set(`/apis/policy/v1/namespaces/shop/poddisruptionbudgets/${app}`, {
    metadata: { name: app },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed },
  });
};

test("what is up to date is nobody's concern", async () => {
  putDeployment("web", now);
  expect(await cluster.run("outdated")).toEqual({
    code: 0,
    stdout: "1 pod compared, none is outdated\n",
    stderr: "",
  });
});

test("pods are listed by what makes them", async () => {
  putDeployment("web", before);
  putWorkload("statefulsets", "database");
  putPod("database-0", { settings: now, owner: ["StatefulSet", "database"], by: "1.1.0" });
  putPod("database-1", { settings: null, owner: ["StatefulSet", "database"] });
  putPod("alone", { settings: null });
  const { code, stdout, stderr } = await cluster.run("outdated", "-A");
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  await expect(stdout).toMatchFileSnapshot("golden/outdated.txt");
});

const patchSchema = v.object({
  spec: v.object({
    template: v.object({
      metadata: v.object({
        annotations: v.object({
          "kubectl.kubernetes.io/restartedAt": v.pipe(v.string(), v.isoTimestamp()),
        }),
      }),
    }),
  }),
});

describe("restarting", () => {
  test("each workload in its way, in order", async () => {
    const writes: string[] = [];
    cluster.onWrite = (method, path, body) => {
      writes.push(`${method} ${path}`);
      if (method === "PATCH") {
        v.parse(patchSchema, body);
        return 200;
      }
      cluster.objects.delete(path.replace(/\/eviction$/, ""));
      return 201;
    };
    putDeployment("web", before);
    putWorkload("daemonsets", "agent", {}, { observedGeneration: 1 });
    putPod("agent-x", { settings: before, owner: ["DaemonSet", "agent"] });
    putWorkload("replicasets", "bare");
    putPod("bare-x", { settings: before, owner: ["ReplicaSet", "bare"] });
    const { code, stdout, stderr } = await cluster.run("outdated", "--restart");
    expect(code).toBe(0);
    expect(writes).toEqual([
      `PATCH ${apps}/deployments/web`,
      `PATCH ${apps}/daemonsets/agent`,
      `POST ${pods}/bare-x/eviction`,
    ]);
    expect(stderr.replaceAll(/after \d+ s/g, "after N s").split("\n")).toEqual([
      "shop/deployment/web: restarting",
      "shop/deployment/web: up after N s",
      "shop/daemonset/agent: restarting",
      "shop/daemonset/agent: up after N s",
      "shop/replicaset/bare: evicting pod bare-x",
      "shop/replicaset/bare: up after N s",
      "",
    ]);
    expect(stdout).toContain("3 pods compared, 3 outdated");
  });

  test("what cannot be restarted is left, and the answer is no", async () => {
    cluster.onWrite = () => 500;
    putDeployment("paused", before, { paused: true });
    putPod("alone", { settings: before });
    const { code, stdout } = await cluster.run("outdated", "--restart");
    expect(code).toBe(3);
    expect(stdout).toContain("shop/deployment/paused: its rollout is paused");
    expect(stdout).toContain("shop/pod/alone: no controller makes it again");
  });

  test("a budget is respected", async () => {
    cluster.onWrite = () => 500;
    putDeployment("web", before);
    budget("web-7", 0);
    const { code, stdout } = await cluster.run("outdated", "--restart", "--timeout", "1s");
    expect(code).toBe(3);
    expect(stdout).toContain("shop/deployment/web: PodDisruptionBudget web-7 lets no pod go");
  });

  test("without the right to, it says so and stops", async () => {
    cluster.onWrite = () => 403;
    putDeployment("api", before);
    putDeployment("web", before);
    const { code, stderr, stdout } = await cluster.run("outdated", "--restart");
    expect(code).toBe(3);
    expect(stderr).toContain(`shop/deployment/api: Cannot restart Deployment "shop/api": refused`);
    expect(stdout).toMatch(/deployment\/web +1 +not begun/);
  });
});

test("by another version, configurations are not compared", async () => {
  install(cluster, "cacheTtl: 60", "1.3.0");
  putPod("web", { settings: before, by: "1.3.0" });
  const { code, stderr } = await cluster.run("outdated");
  expect(code).toBe(0);
  expect(stderr).toBe(
    `warning: installation "bouncer-system/bouncer-injector" is version 1.3.0, this program is 1.2.3: configurations were not compared, versions and images were\n`,
  );
});

test("a revision that nobody serves", async () => {
  const labels = { "bouncer-injection": "enabled", "bouncer.dev/rev": "canary" };
  cluster.objects.set("/api/v1/namespaces/shop", { metadata: { name: "shop", labels } });
  putPod("web", { settings: before });
  const { code, stdout, stderr } = await cluster.run("outdated", "-A");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "0 pods compared, none is outdated\n" });
  expect(stderr).toContain(`namespace "shop": no installation serves its revision`);
});

test("programs get the same as JSON", async () => {
  putDeployment("web", before);
  const { code, stdout } = await cluster.run("outdated", "-o", "json");
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toEqual({
    compared: 1,
    outdated: [
      {
        namespace: "shop",
        apiVersion: "apps/v1",
        kind: "Deployment",
        name: "web",
        pods: [
          {
            name: "web-7-x",
            reasons: [{ code: "config", detail: "settings or annotations have changed" }],
          },
        ],
      },
    ],
  });
});

test.each([
  [["--timeout", "5m"], 2, "--max-unavailable and --timeout need --restart"],
  [["--restart", "--timeout", "soon"], 2, `--timeout "soon" is not a duration`],
  [["--restart", "--max-unavailable", "0"], 2, `--max-unavailable "0" is not a number`],
  [["-A", "-n", "shop"], 2, "exclude each other"],
  [["-n", "other"], 1, `Cannot read namespace "other": it is not there`],
])("%j", async (args, code, message) => {
  const result = await cluster.run("outdated", ...args);
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(message);
});

test("settings that may not be read", async () => {
  cluster.forbidden = /configmaps/;
  const { code, stderr } = await cluster.run("outdated");
  expect(code).toBe(1);
  expect(stderr).toContain(`Cannot read ConfigMap "bouncer-system/bouncer-injector-settings": `);
});

test("no installation", async () => {
  cluster.objects.clear();
  const { code, stderr } = await cluster.run("outdated");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: "error: Cannot find an installation of Bouncer\n",
  });
});
