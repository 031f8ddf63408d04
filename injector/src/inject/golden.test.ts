/** What comes out, to be read as the specification: test/golden/<case>. `vitest -u` writes it. */
import { readdirSync, readFileSync } from "node:fs";
import { dump, load } from "js-yaml";
import { expect, test } from "vitest";
import { adminToken, buildContext, buildSettings } from "../../test/support/context.ts";
import { addIstio, addLinkerd, addVault } from "../../test/support/meshes.ts";
import { weakeningAnnotations } from "../settings/value.ts";
import { type InjectionContext, unknownCluster } from "./injection.ts";
import { checkPod, type Pod } from "./kubernetes.ts";
import { buildPatch } from "./patch.ts";
import { inject } from "./pod.ts";

const directory = new URL("../../test/golden/", import.meta.url);

const annotatedNamespace = {
  name: "shop",
  labels: { "bouncer-injection": "enabled" },
  annotations: { "bouncer.dev/unlisted-ports": "allow", "bouncer.dev/preset": "xlarge" },
};

const operator = buildSettings({
  image: "registry.example/bouncer:1.2.3",
  imagePullPolicy: "Always",
  imagePullSecrets: ["registry", "bouncer-registry"],
  preset: "large",
  allowOptOut: false,
  policy: {
    bundleUrl: "https://bouncer-injector-bridge.bouncer.svc:8443/bundles/policy.tar.gz",
    syncUrl: "wss://bouncer-injector-bridge.bouncer.svc:8443/v1/sync",
    syncCa: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    verification: {
      key: "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
      keyId: "k1",
    },
  },
  trustedProxies: ["10.0.0.0/8", "fd00::/8"],
  audit: { enabled: false },
  extraEnv: [
    {
      name: "POLICY_SYNC_CLIENT_TOKEN",
      valueFrom: { secretKeyRef: { name: "bridge", key: "token" } },
    },
    { name: "OTEL_ENABLED", value: "true" },
  ],
});

const restricted = {
  "bouncer-injection": "enabled",
  "pod-security.kubernetes.io/enforce": "restricted",
};

const services = [
  {
    name: "orders",
    selector: { app: "orders" },
    ports: [
      { port: 80, targetPort: "http", protocol: "TCP", appProtocol: null },
      { port: 81, targetPort: 9000, protocol: "TCP", appProtocol: null },
      { port: 82, targetPort: "bouncer", protocol: "TCP", appProtocol: null },
    ],
  },
  {
    name: "others",
    selector: { app: "others" },
    ports: [{ port: 80, targetPort: 3000, protocol: "TCP", appProtocol: null }],
  },
  {
    name: "external",
    selector: {},
    ports: [{ port: 80, targetPort: 3000, protocol: "TCP", appProtocol: null }],
  },
];

const speaking = [
  {
    name: "orders",
    selector: { app: "orders" },
    ports: [
      { port: 80, targetPort: "http", protocol: "TCP", appProtocol: "http" },
      { port: 9000, targetPort: "grpc", protocol: "TCP", appProtocol: "kubernetes.io/h2c" },
      { port: 3306, targetPort: 3306, protocol: "TCP", appProtocol: "mysql" },
    ],
  },
];

const excluding = buildSettings({
  excludedPorts: [9229, "9400-9409"],
  excludedSourceCidrs: ["10.9.0.0/16", "fd00:9::/32"],
  degradedRoutes: ["GET /health", "* /static/*"],
  shadow: true,
  policy: { persist: false },
  audit: { mode: "auditability", masks: ["/input/attributes/request/http/headers/x-internal"] },
});

const severalPolicies = buildSettings({
  allowedPodAnnotations: ["extra-env"],
  policy: {
    bundleUrl: "https://policy.example/bundles/policy.tar.gz, https://policy.example/shop.tar.gz",
    syncUrl: "https://policy.example/bundles/policy.tar.gz",
    verification: {
      keys: [
        { keyId: "k1", key: "-----BEGIN PUBLIC KEY-----\nMFkw\n", algorithm: "ES256" },
        { keyId: "k2", key: "costs $5", algorithm: "HS256", scope: "write" },
      ],
    },
    refuseOlder: true,
    evaluation: { timeoutMs: 100, memoryMiB: 64 },
    decisionTimeoutMs: 2000,
    http: { allow: ["*.shop.svc:443", "unix:/run/opa.sock"], deny: [] },
  },
  extraEnv: [
    { name: "POLICY_MAX_SET_BYTES", value: "134217728" },
    { name: "POLICY_SYNC_OAUTH2_TOKEN_URL", value: "https://login.example/token" },
    { name: "POLICY_SYNC_OAUTH2_CLIENT_ID", value: "bouncers" },
    {
      name: "POLICY_SYNC_OAUTH2_CLIENT_SECRET",
      valueFrom: { secretKeyRef: { name: "login", key: "secret" } },
    },
  ],
});

const permissive = buildSettings({ allowedPodAnnotations: [...weakeningAnnotations] });

const labelled = { "bouncer-injection": "enabled" };
const istio = {
  name: "shop",
  labels: { ...labelled, "istio-injection": "enabled" },
  annotations: {},
};
const istioRevision = { ...istio, labels: { ...labelled, "istio.io/rev": "stable" } };
const ambient = { ...istio, labels: { ...labelled, "istio.io/dataplane-mode": "ambient" } };
const linkerd = {
  name: "shop",
  labels: labelled,
  annotations: { "linkerd.io/inject": "enabled", "config.linkerd.io/skip-inbound-ports": "4567" },
};

interface Case extends Partial<InjectionContext> {
  /** Another injector, which sees the pod before ours. */
  readonly before?: (pod: Pod) => Pod;
  /** One that sees it after ours, which then sees it again. */
  readonly after?: (pod: Pod) => Pod;
}

const allowing = buildSettings({ unlistedPorts: "allow" });
const inServiceMode = buildSettings({ mode: "service" });

const cases: Readonly<Record<string, Case>> = {
  minimal: {},
  ports: {},
  probes: {},
  "init-containers": {},
  annotations: { namespace: annotatedNamespace, settings: permissive },
  operator: { settings: operator },
  policies: { settings: severalPolicies },
  classic: { settings: buildSettings({ nativeSidecar: false }) },
  "null-fields": {},
  dollars: {},
  service: {
    namespace: { ...annotatedNamespace, labels: restricted, annotations: {} },
    cluster: { ...unknownCluster, services },
  },
  exclusions: { settings: excluding },
  protocols: {
    settings: buildSettings({
      via: "edge",
      longLivedStreams: "close",
      threads: 2,
      policy: { persist: false },
    }),
    cluster: { ...unknownCluster, services: speaking },
  },
  openshift: {
    namespace: {
      ...annotatedNamespace,
      annotations: { "openshift.io/sa.scc.uid-range": "1000650000/10000" },
    },
  },
  "chosen-by-pod": { settings: permissive },
  extended: {},
  "istio-expected": { namespace: istio, settings: excluding },
  "istio-before": { namespace: istioRevision, before: (pod) => addIstio(pod) },
  "istio-after": { namespace: istio, after: (pod) => addIstio(pod) },
  "istio-native": { namespace: istio, after: (pod) => addIstio(pod, { native: true }) },
  "istio-cni": { namespace: istio, after: (pod) => addIstio(pod, { cni: true }) },
  "istio-included": { namespace: istio },
  "istio-ambient": { namespace: ambient },
  "istio-ambient-open": { namespace: ambient, settings: allowing },
  "istio-service": {
    namespace: istio,
    settings: inServiceMode,
    after: (pod) => addIstio(pod),
  },
  "linkerd-expected": { namespace: linkerd, settings: excluding },
  "linkerd-before": { before: (pod) => addLinkerd(pod) },
  "linkerd-after": { after: (pod) => addLinkerd(pod, { native: true }) },
  "linkerd-service": { settings: inServiceMode, after: (pod) => addLinkerd(pod) },
  "vault-before": { before: (pod) => addVault(pod) },
  "vault-after": { after: (pod) => addVault(pod, { initFirst: true }) },
};

function injected(pod: unknown, context: InjectionContext) {
  const result = inject(pod, context);
  if (result.kind !== "inject") throw new Error(JSON.stringify(result));
  return result;
}

const folderOf = (name: string) => new URL(`${name}/`, directory);

/** The pod as ours sees it last. */
function readSeen(name: string, { before, after, ...given }: Case) {
  const checked = checkPod(load(readFileSync(new URL("pod.yaml", folderOf(name)), "utf8")));
  if (!checked.ok) throw new Error(JSON.stringify(checked));
  const context = buildContext({ adminToken, ...given });
  const original = before === undefined ? checked.pod : before(checked.pod);
  const seen = after === undefined ? original : after(injected(original, context).pod);
  return { seen, context };
}

test.each(Object.entries(cases))("%s", async (name, given) => {
  const folder = folderOf(name);
  const { seen, context } = readSeen(name, given);
  const result = injected(seen, context);

  const warnings = result.warnings.map(({ code, message }) => `# ${code}: ${message}\n`);
  await expect(warnings.join("") + toYaml(result.pod)).toMatchFileSnapshot(
    new URL("injected.yaml", folder).pathname,
  );
  const patch = buildPatch(seen, result.pod);
  await expect(`${JSON.stringify(patch, null, 2)}\n`).toMatchFileSnapshot(
    new URL("patch.json", folder).pathname,
  );
});

const withOthers = Object.entries(cases).filter(
  ([, { before, after }]) => before !== undefined || after !== undefined,
);

test.each(withOthers)("%s: what the other injector made of it", async (name, given) => {
  await expect(toYaml(readSeen(name, given).seen)).toMatchFileSnapshot(
    new URL("between.yaml", folderOf(name)).pathname,
  );
});

const toYaml = (pod: Pod) => dump(pod, { lineWidth: -1, noRefs: true });

test("every folder is a case", () => {
  expect(readdirSync(directory).toSorted()).toEqual(Object.keys(cases).toSorted());
});
