/** What comes out, to be read as the specification: test/golden/<case>. `vitest -u` writes it. */
import { readdirSync, readFileSync } from "node:fs";
import { dump, load } from "js-yaml";
import { expect, test } from "vitest";
import { adminToken, buildContext, buildSettings } from "../../test/support/context.ts";
import type { InjectionContext } from "./injection.ts";
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

const cases: Readonly<Record<string, Partial<InjectionContext>>> = {
  minimal: {},
  ports: {},
  probes: {},
  "init-containers": {},
  annotations: { namespace: annotatedNamespace },
  operator: { settings: operator },
  classic: { settings: buildSettings({ nativeSidecar: false }) },
  "null-fields": {},
  dollars: {},
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
