import { issueAuthority } from "bouncer-certs/authority";
import { createIdentity } from "bouncer-certs/key-pair";
import { issueServing } from "bouncer-certs/serving";
import { beforeAll, expect, test } from "vitest";
import { buildSettings } from "../../../test/support/context.ts";
import { buildInstallation, buildWebhook } from "../../../test/support/installation.ts";
import type { Installation } from "../installation.ts";
import { evaluate } from "./evaluate.ts";
import { formatChecks } from "./report.ts";
import type { Asker, Bridge, ClusterState, InstallationState } from "./state.ts";
import { type CheckCode, checks } from "./table.ts";

const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const asker: Asker = { version: "1.2.3", now: start + 30 * day };
const host = "bouncer-injector.bouncer-system.svc";

interface Material {
  readonly caBundle: string;
  readonly data: Readonly<Record<string, string>>;
}

let good: Material;
let other: Material;

/** Keys are slow to make: two authorities are enough. */
beforeAll(async () => {
  [good, other] = await Promise.all([issue(host), issue("elsewhere.svc")]);
});

async function issue(name: string): Promise<Material> {
  const [first, second] = await Promise.all([createIdentity(2048), createIdentity(2048)]);
  const authority = issueAuthority({
    identity: first,
    commonName: "bouncer",
    notBefore: start,
    notAfter: start + 3650 * day,
  });
  const serving = issueServing({
    identity: second,
    authority,
    dnsNames: [name],
    notBefore: start,
    notAfter: start + 90 * day,
  });
  return {
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    data: { "tls.crt": serving.certificate, "tls.key": serving.key },
  };
}

const service = { name: "bouncer-injector", namespace: "bouncer-system", path: "/mutate" };
const enabled = { "bouncer-injection": "enabled" };
const bundleUrl = "https://bouncer-injector-bridge.bouncer-system.svc:8443/bundles/policy.tar.gz";
const forbidden = (what: string) =>
  ({ kind: "unreadable", problem: `Cannot ${what}: forbidden` }) as const;

function buildState(
  given: Partial<InstallationState> = {},
  changed: Partial<Installation> = {},
): InstallationState {
  const webhook = buildWebhook({ clientConfig: { service, caBundle: good.caBundle } });
  return {
    installation: buildInstallation({
      webhook,
      bridge: "bouncer-injector-bridge",
      settings: buildSettings({ policy: { bundleUrl } }),
      ...changed,
    }),
    secretName: "bouncer-injector-tls",
    secret: { kind: "read", value: good.data },
    endpoints: { kind: "read", value: { ready: 2, all: 2 } },
    dryRun: { kind: "injected", namespace: "shop" },
    lacking: { kind: "read", value: [] },
    bridge: buildBridge(),
    ...given,
  };
}

function buildBridge(given: Partial<Bridge> = {}): Bridge {
  return {
    name: "bouncer-injector-bridge",
    endpoints: { kind: "read", value: { ready: 2, all: 2 } },
    configMap: "bouncer-injector-policy",
    files: { kind: "read", value: ["policy.tar.gz"] },
    ...given,
  };
}

function buildCluster(state: InstallationState, given: Partial<ClusterState> = {}): ClusterState {
  return {
    states: [state],
    installations: [state.installation],
    unregistered: [],
    namespaces: {
      kind: "read",
      value: [
        { name: "bouncer-system", labels: {} },
        { name: "kube-system", labels: {} },
        { name: "shop", labels: enabled },
        { name: "tools", labels: {} },
      ],
    },
    apiServer: { kind: "read", value: "v1.34.1" },
    kubelets: { kind: "read", value: ["v1.34.1", "v1.33.0"] },
    ...given,
  };
}

test("all is well", async () => {
  const checked = evaluate(buildCluster(buildState()), asker);
  expect(checked.filter(({ result }) => result !== "ok")).toEqual([]);
  expect(new Set(checked.map(({ code }) => code))).toEqual(new Set(Object.keys(checks)));
  await expect(formatChecks(checked, false)).toMatchFileSnapshot("../../../test/checks/good.txt");
});

test("everything is wrong, and everything is said", async () => {
  const broken = buildState(
    {
      secret: { kind: "read", value: other.data },
      endpoints: { kind: "read", value: { ready: 0, all: 2 } },
      dryRun: { kind: "refused", namespace: "shop", problem: "failed calling webhook" },
      lacking: {
        kind: "read",
        value: [
          { verb: "list", group: "", resource: "services", name: "", namespace: "" },
          {
            verb: "patch",
            group: "",
            resource: "secrets",
            name: "bouncer-injector-tls",
            namespace: "bouncer-system",
          },
        ],
      },
      bridge: buildBridge({ endpoints: { kind: "missing" }, files: { kind: "missing" } }),
    },
    {
      version: "1.1.0",
      settings: null,
      settingsAre: "refused",
      problems: ['preset: "tiny" is not one of small, medium, large, xlarge'],
      webhook: buildWebhook({
        clientConfig: { service: { ...service, path: "/" } },
        failurePolicy: "Ignore",
        namespaceSelector: {},
      }),
    },
  );
  const second = buildInstallation({ name: "second" });
  const cluster = buildCluster(broken, {
    installations: [broken.installation, second],
    apiServer: { kind: "read", value: "v1.28.3" },
    kubelets: { kind: "read", value: ["v1.24.0"] },
  });
  const checked = evaluate(cluster, { ...asker, now: start + 91 * day });
  expect(checked.map(({ code }) => code)).toEqual(
    evaluate(buildCluster(buildState()), asker).map(({ code }) => code),
  );
  await expect(formatChecks(checked, false)).toMatchFileSnapshot("../../../test/checks/bad.txt");
});

type Row = readonly [CheckCode, "ok" | "warning" | "failure", string, () => ClusterState];
const one = (given: Partial<InstallationState>, changed: Partial<Installation> = {}) =>
  buildCluster(buildState(given, changed));
const oneWith = (urls: string, files: readonly string[]) =>
  one(
    { bridge: buildBridge({ files: { kind: "read", value: files } }) },
    { settings: buildSettings({ policy: { bundleUrl: urls } }) },
  );
const webhook = (given: Parameters<typeof buildWebhook>[0]) =>
  one(
    {},
    { webhook: buildWebhook({ clientConfig: { service, caBundle: good.caBundle }, ...given }) },
  );
const caBundle = (text: string) => webhook({ clientConfig: { service, caBundle: text } });
const secret = (data: Readonly<Record<string, string>>) =>
  one({ secret: { kind: "read", value: data } });
const namespaces = (labels: Readonly<Record<string, string>>, name = "blue") =>
  buildCluster(buildState(), { namespaces: { kind: "read", value: [{ name, labels }] } });
const versions = (apiServer: string, kubelet: string, nativeSidecar: unknown = "auto") =>
  buildCluster(buildState({}, { settings: buildSettings({ nativeSidecar }) }), {
    apiServer: { kind: "read", value: apiServer },
    kubelets: { kind: "read", value: [kubelet] },
  });

const rows: readonly Row[] = [
  ["webhook_present", "failure", "no rule for CREATE of pods", () => webhook({ rules: [] })],
  [
    "webhook_present",
    "failure",
    "Deployment bouncer-system/x runs, and its webhook is not there",
    () => buildCluster(buildState(), { states: [], unregistered: ["bouncer-system/x"] }),
  ],
  [
    "webhook_present",
    "failure",
    "there is no installation",
    () => buildCluster(buildState(), { states: [], installations: [] }),
  ],
  [
    "webhook_selectors",
    "failure",
    "its own namespace would be selected, where it would wait for itself; kube-system would be",
    () => webhook({ namespaceSelector: { matchLabels: enabled } }),
  ],
  [
    "webhook_selectors",
    "failure",
    "a namespace with bouncer-injection=enabled is not selected: label team is not set",
    () => webhook({ namespaceSelector: { matchLabels: { team: "blue" } } }),
  ],
  ["webhook_selectors", "warning", "its revision is not known", () => one({}, { revision: null })],
  ["failure_policy", "warning", "Ignore", () => webhook({ failurePolicy: "Ignore" })],
  [
    "settings",
    "warning",
    "Cannot read",
    () => one({}, { settings: null, settingsAre: "unreadable", problems: ["Cannot read it"] }),
  ],
  ["ca_bundle", "failure", "has no certificate that can be read", () => caBundle("AAAA")],
  ["ca_bundle", "failure", "the webhook has no caBundle", () => caBundle("")],
  [
    "serving_certificate",
    "failure",
    "no authority in caBundle has signed it",
    () => caBundle(other.caBundle),
  ],
  [
    "serving_certificate",
    "failure",
    `it is not for ${host}; no authority in caBundle has signed it`,
    () => secret(other.data),
  ],
  [
    "serving_certificate",
    "failure",
    "its key does not belong to it",
    () => secret({ ...good.data, "tls.key": other.data["tls.key"] ?? "" }),
  ],
  ["serving_certificate", "failure", "has no certificate that can be read", () => secret({})],
  [
    "serving_certificate",
    "failure",
    `Secret "bouncer-injector-tls" is not there`,
    () => one({ secret: { kind: "missing" } }),
  ],
  [
    "serving_certificate",
    "warning",
    "Cannot read Secret: forbidden",
    () => one({ secret: forbidden("read Secret") }),
  ],
  [
    "certificate_expiry",
    "warning",
    "there is no certificate",
    () => one({ secret: forbidden("read Secret") }),
  ],
  [
    "endpoints",
    "warning",
    "1 of 2 ready",
    () => one({ endpoints: { kind: "read", value: { ready: 1, all: 2 } } }),
  ],
  ["endpoints", "warning", "Cannot list: forbidden", () => one({ endpoints: forbidden("list") })],
  ["endpoints", "failure", "no endpoints", () => one({ endpoints: { kind: "missing" } })],
  [
    "reachable",
    "failure",
    "a pod in namespace shop is created without a bouncer",
    () => one({ dryRun: { kind: "not_injected", namespace: "shop" } }),
  ],
  [
    "reachable",
    "warning",
    "it was forbidden",
    () => one({ dryRun: { kind: "forbidden", namespace: "shop", problem: "quota" } }),
  ],
  [
    "reachable",
    "warning",
    "there is no namespace with bouncer-injection=enabled",
    () => one({ dryRun: { kind: "no_namespace" } }),
  ],
  ["permissions", "warning", "Cannot ask: forbidden", () => one({ lacking: forbidden("ask") })],
  [
    "versions",
    "warning",
    "command line 1.2.3, injector 1.3.0, bouncer 1.3.0",
    () => one({}, { version: "1.3.0" }),
  ],
  [
    "versions",
    "warning",
    "injector 1.2.3, bouncer 1.0.0",
    () => one({}, { settings: buildSettings({ image: "registry:5000/bouncer:v1.0.0" }) }),
  ],
  [
    "versions",
    "ok",
    "bouncer of a version that is not known",
    () => one({}, { settings: buildSettings({ image: "registry:5000/bouncer" }) }),
  ],
  ["versions", "warning", "not known", () => one({}, { version: null })],
  [
    "kubernetes_versions",
    "warning",
    "the oldest kubelet is 1.28.0: sidecars are plain containers, Jobs are refused",
    () => versions("v1.31.0+k3s1", "v1.28.0"),
  ],
  [
    "kubernetes_versions",
    "failure",
    "the oldest kubelet is 1.28.0; nativeSidecar is true, so pods would not start",
    () => versions("v1.31.0", "v1.28.0", true),
  ],
  [
    "kubernetes_versions",
    "warning",
    "without match conditions",
    () => versions("v1.29.9-gke.1", "v1.29.9"),
  ],
  [
    "kubernetes_versions",
    "warning",
    "the oldest kubelet is 4 minor versions behind",
    () => versions("v1.34.0", "v1.30.0"),
  ],
  [
    "kubernetes_versions",
    "warning",
    "oldest kubelet not known; Cannot list nodes: forbidden",
    () => buildCluster(buildState(), { kubelets: forbidden("list nodes") }),
  ],
  [
    "one_webhook",
    "failure",
    "shop by bouncer-system/bouncer-injector and bouncer-system/second",
    () => {
      const state = buildState();
      const second = buildInstallation({ name: "second" });
      return buildCluster(state, { installations: [state.installation, second] });
    },
  ],
  [
    "revisions_served",
    "failure",
    "nobody serves blue (bouncer.dev/rev=canary)",
    () => namespaces({ ...enabled, "bouncer.dev/rev": "canary" }),
  ],
  ["revisions_served", "ok", "", () => namespaces(enabled, "kube-system")],
  [
    "revisions_served",
    "warning",
    "Cannot list namespaces: forbidden",
    () => buildCluster(buildState(), { namespaces: forbidden("list namespaces") }),
  ],
  [
    "bridge_endpoints",
    "failure",
    "0 of 1 ready",
    () =>
      one({ bridge: buildBridge({ endpoints: { kind: "read", value: { ready: 0, all: 1 } } }) }),
  ],
  [
    "policy_bundle",
    "failure",
    `ConfigMap "bouncer-injector-policy" has other.tar.gz; needed is policy.tar.gz`,
    () => one({ bridge: buildBridge({ files: { kind: "read", value: ["other.tar.gz"] } }) }),
  ],
  [
    "policy_bundle",
    "failure",
    `ConfigMap "bouncer-injector-policy" has policy.tar.gz, rollout.json; needed is policy.tar.gz, shop.tar.gz`,
    () => {
      const files = ["policy.tar.gz", "rollout.json"];
      const shop = bundleUrl.replace("policy.tar", "shop.tar");
      return oneWith([bundleUrl, shop, "https://elsewhere/c.tar.gz"].join(", "), files);
    },
  ],
  [
    "policy_bundle",
    "ok",
    `shop.tar.gz, policy.tar.gz in ConfigMap "bouncer-injector-policy"`,
    () => {
      const shop = bundleUrl.replace("policy.tar", "shop.tar");
      return oneWith(`${shop}?v=1,${bundleUrl}`, ["policy.tar.gz", "shop.tar.gz", "old.tar.gz"]);
    },
  ],
  [
    "policy_bundle",
    "failure",
    "has rollout.json; needed is a bundle",
    () => oneWith("https://elsewhere/c.tar.gz", ["rollout.json"]),
  ],
  [
    "policy_bundle",
    "warning",
    "Cannot read: forbidden",
    () => one({ bridge: buildBridge({ files: forbidden("read") }) }),
  ],
];

test.each(rows)("%s: %s: %s", (code, result, detail, build) => {
  const [found] = evaluate(build(), asker).filter((checked) => checked.code === code);
  expect(found).toMatchObject({ result });
  expect(found?.detail).toContain(detail);
  expect(found?.fix === null).toBe(result === "ok");
});

test.each([
  ["in time", 60, "ok", "33 % of its life left"],
  ["late", 70, "warning", "22 % of its life left"],
  ["over", 90, "failure", "it expired on 2026-04-01"],
  ["not yet", -1, "failure", "it is valid from 2026-01-01 only"],
])("the certificate's end: %s", (_, days, result, detail) => {
  const checked = evaluate(buildCluster(buildState()), { ...asker, now: start + days * day });
  const found = checked.find(({ code }) => code === "certificate_expiry");
  expect(found).toMatchObject({ result });
  expect(found?.detail).toContain(detail);
});

test("an authority that has expired", () => {
  const checked = evaluate(buildCluster(buildState()), { ...asker, now: start + 3650 * day });
  const found = checked.find(({ code }) => code === "ca_bundle");
  expect(found).toMatchObject({ result: "failure", detail: "it expired on 2035-12-30" });
});

test("another revision is served by its own installation", () => {
  const canary = buildState(
    {},
    {
      revision: "canary",
      webhook: buildWebhook({
        clientConfig: { service, caBundle: good.caBundle },
        namespaceSelector: {
          matchExpressions: [
            { key: "bouncer-injection", operator: "In", values: ["enabled"] },
            { key: "bouncer.dev/rev", operator: "In", values: ["canary"] },
            {
              key: "kubernetes.io/metadata.name",
              operator: "NotIn",
              values: ["bouncer-system", "kube-system"],
            },
          ],
        },
      }),
    },
  );
  const cluster = buildCluster(canary, {
    namespaces: {
      kind: "read",
      value: [{ name: "blue", labels: { ...enabled, "bouncer.dev/rev": "canary" } }],
    },
  });
  expect(evaluate(cluster, asker).filter(({ result }) => result !== "ok")).toEqual([]);
});
