/** `explain` and `check` as they are called, against what the chart installs, over real sockets. */
import { issueAuthority } from "bouncer-certs/authority";
import { createIdentity } from "bouncer-certs/key-pair";
import { issueServing } from "bouncer-certs/serving";
import { load } from "js-yaml";
import * as v from "valibot";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openCluster } from "../../src/cli/cluster.ts";
import { inject } from "../../src/inject/pod.ts";
import { readChart, readObjects } from "../support/chart.ts";
import { buildContext } from "../support/context.ts";
import { type Cluster, startCluster } from "./cli/cluster.ts";

const path = {
  version: "/version",
  nodes: "/api/v1/nodes",
  namespace: (name: string) => `/api/v1/namespaces/${name}`,
  webhook: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/bouncer-injector",
  inRelease: (rest: string) => `/api/v1/namespaces/bouncer-system/${rest}`,
  slices: "/apis/discovery.k8s.io/v1/namespaces/bouncer-system/endpointslices",
  pods: "/api/v1/namespaces/shop/pods",
  reviews: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
} as const;

const webhookSchema = v.looseObject({
  webhooks: v.array(v.looseObject({ clientConfig: v.looseObject({}) })),
});

const day = 86_400_000;
const spec = { containers: [{ name: "web", image: "web", ports: [{ containerPort: 3000 }] }] };
const enabled = { "bouncer-injection": "enabled" };

let caBundle: string;
let certificates: Readonly<Record<string, string>>;
let cluster: Cluster;

const encode = (text: string) => Buffer.from(text).toString("base64");

beforeAll(async () => {
  const [first, second] = await Promise.all([createIdentity(2048), createIdentity(2048)]);
  const life = { notBefore: Date.now() - day, notAfter: Date.now() + 89 * day };
  const authority = issueAuthority({ identity: first, commonName: "bouncer", ...life });
  const dnsNames = ["bouncer-injector.bouncer-system.svc"] as const;
  const serving = issueServing({ identity: second, authority, dnsNames, ...life });
  caBundle = encode(authority.certificate);
  certificates = { "tls.crt": encode(serving.certificate), "tls.key": encode(serving.key) };
});

beforeEach(async () => {
  cluster = await startCluster();
  cluster.onWrite = () => 201;
  const { objects } = cluster;
  for (const [key, object] of readObjects("default")) objects.set(key, object);
  setWebhook({});
  objects.set(path.inRelease("secrets/bouncer-injector-tls"), { data: certificates });
  objects.set(path.inRelease("configmaps/bouncer-injector-policy"), {
    binaryData: { "policy.tar.gz": "" },
  });
  putSlices([true, true]);
  putNamespace("bouncer-system", {});
  putNamespace("shop", enabled);
  putNamespace("tools", {});
  objects.set(`${path.nodes}/one`, { status: { nodeInfo: { kubeletVersion: "v1.34.0" } } });
  objects.set(path.version, { gitVersion: "v1.34.1" });
  objects.set(path.reviews, { status: { allowed: true } });
  objects.set(path.pods, injected({ generateName: "bouncer-check-" }));
});
afterEach(() => cluster.close());

function setWebhook(changed: object): void {
  const configuration = v.parse(webhookSchema, readObjects("default").get(path.webhook));
  const [first, ...more] = configuration.webhooks;
  const clientConfig = { ...first?.clientConfig, caBundle };
  const webhooks = [{ ...first, clientConfig, ...changed }, ...more];
  cluster.objects.set(path.webhook, { ...configuration, webhooks });
}

function putNamespace(name: string, labels: object): void {
  const all = { "kubernetes.io/metadata.name": name, ...labels };
  cluster.objects.set(path.namespace(name), { metadata: { name, labels: all } });
}

function putSlices(ready: readonly boolean[]): void {
  const endpoints = ready.map((isReady, index) => ({
    addresses: [`10.0.0.${index}`],
    conditions: { ready: isReady },
    targetRef: { kind: "Pod", name: `pod-${index}` },
  }));
  cluster.objects.set(`${path.slices}/one`, { addressType: "IPv4", endpoints });
}

function injected(metadata: object): object {
  const { settings } = readChart("default");
  const context = buildContext(settings === null ? {} : { settings });
  const injection = inject({ metadata, spec }, { ...context, version: "0.1.0" });
  if (injection.kind !== "inject") throw new Error(injection.reason);
  return injection.pod;
}

function putPod(name: string, pod: object, namespace = "shop"): void {
  const metadata = "metadata" in pod ? pod.metadata : {};
  const created = { name, namespace, creationTimestamp: "2026-01-01T00:00:00Z" };
  cluster.objects.set(`${path.namespace(namespace)}/pods/${name}`, {
    ...pod,
    metadata: { ...(typeof metadata === "object" ? metadata : {}), ...created },
  });
}

function putDeployment(namespace: string, template: object = {}): void {
  cluster.objects.set(`/apis/apps/v1/namespaces/${namespace}/deployments/web`, {
    metadata: { name: "web", namespace },
    spec: { template: { metadata: { labels: { app: "web" }, ...template }, spec } },
  });
}

const checksSchema = v.object({
  checks: v.array(v.object({ code: v.string(), result: v.string(), detail: v.string() })),
});

async function runChecks(...args: readonly string[]) {
  const { code, stdout } = await cluster.run("check", "-o", "json", ...args);
  const { checks } = v.parse(checksSchema, JSON.parse(stdout));
  const wrong = checks.filter(({ result }) => result !== "ok");
  return { code, wrong: wrong.map((one) => `${one.code}: ${one.result}: ${one.detail}`), checks };
}

describe("check", () => {
  test("all is well with what the chart installs, but for the version of this test", async () => {
    const { code, wrong } = await runChecks();
    expect(wrong).toEqual(["versions: warning: command line 1.2.3, injector 0.1.0, bouncer 0.1.0"]);
    expect(code).toBe(0);
    const { stdout } = await cluster.run("check");
    expect(stdout).toContain("Installation bouncer-system/bouncer-injector\nCHECK ");
  });

  test.each<readonly [string, () => void, string]>([
    [
      "no caBundle",
      () => cluster.objects.set(path.webhook, readObjects("default").get(path.webhook) ?? {}),
      "ca_bundle: failure: the webhook has no caBundle",
    ],
    [
      "an empty Secret",
      () => cluster.objects.set(path.inRelease("secrets/bouncer-injector-tls"), {}),
      `serving_certificate: failure: Secret "bouncer-injector-tls" has no certificate`,
    ],
    ["a replica that is not ready", () => putSlices([true, false]), "endpoints: warning: 1 of 2"],
    ["no replica", () => cluster.objects.delete(`${path.slices}/one`), "endpoints: failure: the"],
    [
      "no bundle",
      () => cluster.objects.delete(path.inRelease("configmaps/bouncer-injector-policy")),
      `policy_bundle: failure: ConfigMap "bouncer-injector-policy" is not there`,
    ],
    [
      "rights that were taken away",
      () => cluster.objects.set(path.reviews, { status: { allowed: false } }),
      "permissions: failure: it may not get namespaces, list namespaces",
    ],
    [
      "a pod that comes back without a bouncer",
      () => cluster.objects.set(path.pods, { metadata: {}, spec }),
      "reachable: failure: a pod in namespace shop is created without a bouncer",
    ],
    [
      "a webhook that cannot be called",
      () => {
        cluster.onWrite = (_, to) => (to === path.pods ? 500 : 201);
      },
      `reachable: failure: a pod in namespace shop is refused: Cannot create a pod`,
    ],
    [
      "a revision that nobody serves",
      () => putNamespace("blue", { ...enabled, "bouncer.dev/rev": "canary" }),
      "revisions_served: failure: nobody serves blue (bouncer.dev/rev=canary)",
    ],
    [
      "old kubelets",
      () =>
        cluster.objects.set(`${path.nodes}/two`, {
          status: { nodeInfo: { kubeletVersion: "v1.28.0" } },
        }),
      "kubernetes_versions: warning: API server 1.34.1, oldest kubelet 1.28.0",
    ],
  ])("%s", async (_, breakIt, expected) => {
    breakIt();
    const { code, wrong } = await runChecks();
    expect(wrong).toContainEqual(expect.stringContaining(expected));
    const isFailure = wrong.some((line) => line.includes(": failure: "));
    expect(code).toBe(isFailure ? 3 : 0);
  });

  test("a user who may read little gets warnings, and every check", async () => {
    const all = (await runChecks()).checks.map((one) => one.code);
    cluster.forbidden = /secrets|endpointslices|nodes|subjectaccessreviews|configmaps|\/pods$/;
    const { code, wrong, checks } = await runChecks();
    expect(checks.map((one) => one.code)).toEqual(all);
    expect(wrong.filter((line) => !line.includes(": warning: "))).toEqual([]);
    expect(wrong.map((line) => line.split(":")[0])).toEqual(
      expect.arrayContaining(["settings", "serving_certificate", "endpoints", "permissions"]),
    );
    expect(code).toBe(0);
  });

  test("an injector whose webhook was deleted", async () => {
    cluster.objects.delete(path.webhook);
    cluster.objects.set(`${path.webhook}-of-others`, { metadata: { name: "x" }, webhooks: [] });
    const title = "/apis/apps/v1/deployments/bouncer-injector";
    const metadata = { name: "bouncer-injector", namespace: "bouncer-system" };
    cluster.objects.set(title, { metadata, spec: {} });
    const { code, wrong } = await runChecks();
    expect(code).toBe(3);
    expect(wrong).toEqual([
      "webhook_present: failure: Deployment bouncer-system/bouncer-injector runs, and its webhook is not there",
      "revisions_served: failure: nobody serves shop",
    ]);
  });

  test("another namespace has no installation", async () => {
    const { code, wrong } = await runChecks("-n", "elsewhere");
    expect(wrong).toContain("webhook_present: failure: there is no installation");
    expect(code).toBe(3);
  });

  test("who may not list webhooks cannot check", async () => {
    cluster.forbidden = /mutatingwebhookconfigurations/;
    const { code, stdout, stderr } = await cluster.run("check");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: Cannot list MutatingWebhookConfigurations: .*forbidden.*\n$/);
  });
});

const podFile = (name: string, wish: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {bouncer.dev/inject: "${wish}"}}
spec: {containers: [{name: a, image: a}]}
`;

describe("a cluster that cannot be used is one clear line", () => {
  test("a context that is not there", async () => {
    expect(await cluster.run("check", "--context", "prod")).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: Cannot use context "prod": the kubeconfig has "c"\n`,
    });
  });

  test("a kubeconfig that is not there", () => {
    const args = { values: { kubeconfig: "/nowhere/config" }, positionals: [] };
    expect(() => openCluster(args)).toThrow(
      `Cannot read kubeconfig "/nowhere/config": ENOENT: no such file or directory`,
    );
  });
});

describe("explain", () => {
  test("a Deployment in a namespace that is labelled", async () => {
    putDeployment("shop");
    const { code, stdout } = await cluster.run("explain", "deploy/web");
    expect(stdout).toContain("deployment/web in namespace shop: injected (injected)\n");
    expect(code).toBe(0);
  });

  test("and in one that is not", async () => {
    putDeployment("tools");
    const { code, stdout } = await cluster.run("explain", "deployment", "web", "-n", "tools");
    expect(stdout).toContain("NOT injected (namespace_not_labelled)");
    expect(stdout).toContain("Fix: Label the namespace: kubectl label namespace tools bouncer-");
    expect(code).toBe(3);
  });

  test("pods that run with a bouncer, with an older one, and without", async () => {
    putPod("web-0", injected({}));
    const now = await cluster.run("explain", "web-0");
    expect(now.stdout).toContain("injected (carries_bouncer)");
    expect(now.code).toBe(0);
    putPod("web-1", { spec });
    const without = await cluster.run("explain", "pod/web-1");
    expect(without.stdout).toContain("NOT injected (created_otherwise)");
    expect(without.code).toBe(3);
  });

  test("what is current does not differ: the authority is filled in as the webhook does", async () => {
    const { webhook, settings } = readChart("default");
    expect(webhook).toBeDefined();
    const syncCa = Buffer.from(caBundle, "base64").toString("utf8");
    if (settings === null) throw new Error("no settings");
    const filled = { ...settings, policy: { ...settings.policy, syncCa } };
    const context = buildContext({ settings: filled, version: "0.1.0" });
    const injection = inject({ metadata: {}, spec }, context);
    putPod("web-0", injection.kind === "inject" ? injection.pod : {});
    const { stdout } = await cluster.run("explain", "web-0");
    expect(stdout).toContain("It was injected by version 0.1.0.\n\nInstallation");
  });

  test("a file says the same as YAML and as JSON, with the code of the worst", async () => {
    cluster.files.set("pods.yaml", `${podFile("in", "true")}---\n${podFile("out", "false")}`);
    const json = await cluster.run("explain", "-f", "pods.yaml", "-o", "json");
    const yaml = await cluster.run("explain", "-f", "pods.yaml", "-o", "yaml");
    expect(load(yaml.stdout)).toEqual(JSON.parse(json.stdout));
    const schema = v.object({
      explanations: v.array(v.object({ object: v.string(), code: v.string() })),
    });
    expect(v.parse(schema, JSON.parse(json.stdout)).explanations).toEqual([
      { object: "pod/in", code: "injected" },
      { object: "pod/out", code: "opted_out" },
    ]);
    expect(json.code).toBe(3);
  });

  test("a file without the right to ask the cluster", async () => {
    cluster.forbidden = /mutatingwebhookconfigurations/;
    cluster.files.set(
      "pod.yaml",
      `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[]}}`,
    );
    const { code, stdout } = await cluster.run("explain", "-f", "pod.yaml");
    expect(stdout).toContain("Note: no cluster was asked (Cannot list MutatingWebhookConfig");
    expect(code).toBe(0);
  });

  test("what is not there", async () => {
    expect(await cluster.run("explain", "sts/db")).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: Cannot find statefulset "db" in namespace "shop"\n`,
    });
  });

  test("a changed selector is found, though the injector would inject", async () => {
    putDeployment("shop");
    setWebhook({ objectSelector: { matchLabels: { team: "blue" } } });
    const { code, stdout } = await cluster.run("explain", "deploy/web");
    expect(stdout).toContain("NOT injected (not_sent)");
    expect(stdout).toContain("label team is not set, needed is In (blue)");
    expect(code).toBe(3);
  });
});
