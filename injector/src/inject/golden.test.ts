/** What comes out, to be read as the specification: test/golden/<case>. `vitest -u` writes it. */
import { readdirSync, readFileSync } from "node:fs";
import { dump, load } from "js-yaml";
import { expect, test } from "vitest";
import { adminToken, buildContext, buildSettings } from "../../test/support/context.ts";
import { weakeningAnnotations } from "../settings/value.ts";
import { type InjectionContext, unknownCluster } from "./injection.ts";
import { checkPod } from "./kubernetes.ts";
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
      { port: 80, targetPort: "http", protocol: "TCP" },
      { port: 81, targetPort: 9000, protocol: "TCP" },
      { port: 82, targetPort: "bouncer", protocol: "TCP" },
    ],
  },
  {
    name: "others",
    selector: { app: "others" },
    ports: [{ port: 80, targetPort: 3000, protocol: "TCP" }],
  },
  { name: "external", selector: {}, ports: [{ port: 80, targetPort: 3000, protocol: "TCP" }] },
];

const excluding = buildSettings({
  excludedPorts: [9229, "9400-9409"],
  excludedSourceCidrs: ["10.9.0.0/16", "fd00:9::/32"],
  degradedRoutes: ["GET /health", "* /static/*"],
  shadow: true,
  audit: { mode: "auditability", masks: ["/input/attributes/request/http/headers/x-internal"] },
});

const permissive = buildSettings({ allowedPodAnnotations: [...weakeningAnnotations] });

const cases: Readonly<Record<string, Partial<InjectionContext>>> = {
  minimal: {},
  ports: {},
  probes: {},
  "init-containers": {},
  annotations: { namespace: annotatedNamespace, settings: permissive },
  operator: { settings: operator },
  classic: { settings: buildSettings({ nativeSidecar: false }) },
  "null-fields": {},
  dollars: {},
  service: {
    namespace: { ...annotatedNamespace, labels: restricted, annotations: {} },
    cluster: { ...unknownCluster, services },
  },
  exclusions: { settings: excluding },
  openshift: {
    namespace: {
      ...annotatedNamespace,
      annotations: { "openshift.io/sa.scc.uid-range": "1000650000/10000" },
    },
  },
  "chosen-by-pod": { settings: permissive },
  extended: {},
};

test.each(Object.entries(cases))("%s", async (name, given) => {
  const folder = new URL(`${name}/`, directory);
  const checked = checkPod(load(readFileSync(new URL("pod.yaml", folder), "utf8")));
  const context = buildContext({ adminToken, ...given });
  const result = inject(checked.ok ? checked.pod : null, context);
  if (!checked.ok || result.kind !== "inject") throw new Error(JSON.stringify({ checked, result }));

  const warnings = result.warnings.map(({ code, message }) => `# ${code}: ${message}\n`);
  const yaml = dump(result.pod, { lineWidth: -1, noRefs: true });
  await expect(warnings.join("") + yaml).toMatchFileSnapshot(
    new URL("injected.yaml", folder).pathname,
  );
  const patch = buildPatch(checked.pod, result.pod);
  await expect(`${JSON.stringify(patch, null, 2)}\n`).toMatchFileSnapshot(
    new URL("patch.json", folder).pathname,
  );
});

test("every folder is a case", () => {
  expect(readdirSync(directory).toSorted()).toEqual(Object.keys(cases).toSorted());
});
