import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { buildContext, buildSettings } from "../../../test/support/context.ts";
import { buildInstallation, buildWebhook } from "../../../test/support/installation.ts";
import { type InjectionContext, unknownCluster } from "../../inject/injection.ts";
import { inject } from "../../inject/pod.ts";
import {
  explain,
  explainOffline,
  type Explanation,
  type NamespaceFacts,
  type Target,
  type World,
} from "./explanation.ts";
import { formatExplanation } from "./report.ts";

const labelled: NamespaceFacts = {
  exists: true,
  labels: { "bouncer-injection": "enabled", "kubernetes.io/metadata.name": "shop" },
  annotations: {},
  labelledAt: Date.parse("2026-02-01T00:00:00Z"),
};
const inNamespace = (labels: Record<string, string>): Partial<World> => ({
  namespace: {
    ...labelled,
    labels: { "kubernetes.io/metadata.name": "shop", ...labels },
  },
});

function buildWorld(given: Partial<World> = {}): World {
  return {
    installations: [buildInstallation()],
    namespace: labelled,
    cluster: unknownCluster,
    ...given,
  };
}

const canary = buildInstallation({
  name: "bouncer-canary",
  namespace: "bouncer-canary",
  revision: "canary",
  version: "1.3.0",
  settings: buildSettings({ revision: "canary" }),
  webhook: buildWebhook({
    namespaceSelector: {
      matchExpressions: [{ key: "bouncer.dev/rev", operator: "In", values: ["canary"] }],
    },
  }),
});

const spec = { containers: [{ name: "web", image: "web", ports: [{ containerPort: 3000 }] }] };

function buildTarget(metadata: object = {}, more: object = {}): Target {
  const pod = { metadata: { namespace: "shop", ...metadata }, spec: { ...spec, ...more } };
  return { title: "deployment/web", namespace: "shop", pod, running: null };
}

function buildRunning(created: string, pod: unknown = buildTarget().pod): Target {
  const running = { createdAt: Date.parse(created) };
  return { title: "pod/web-0", namespace: "shop", pod, running };
}

function injected(context: Partial<InjectionContext>): unknown {
  const injection = inject(buildTarget().pod, buildContext(context));
  return injection.kind === "inject" ? injection.pod : null;
}

interface Expected {
  readonly verdict: Explanation["verdict"];
  readonly code: Explanation["code"];
}

const cases: readonly (readonly [string, Expected, Target, World])[] = [
  ["injected", { verdict: "injected", code: "injected" }, buildTarget(), buildWorld()],
  [
    "namespace-not-labelled",
    { verdict: "not_injected", code: "namespace_not_labelled" },
    buildTarget(),
    buildWorld(inNamespace({})),
  ],
  [
    "revision-nobody-serves",
    { verdict: "not_injected", code: "other_revision" },
    buildTarget(),
    buildWorld(inNamespace({ "bouncer-injection": "enabled", "bouncer.dev/rev": "blue" })),
  ],
  [
    "opted-out-by-annotation",
    { verdict: "not_injected", code: "opted_out" },
    buildTarget({ annotations: { "bouncer.dev/inject": "false" } }),
    buildWorld(),
  ],
  [
    "host-network",
    { verdict: "not_injected", code: "host_network" },
    buildTarget({}, { hostNetwork: true }),
    buildWorld(),
  ],
  [
    "refused",
    { verdict: "denied", code: "invalid_annotation" },
    buildTarget({ annotations: { "bouncer.dev/cache-ttl": "1m" } }),
    buildWorld(),
  ],
  [
    "refused-by-rendering",
    { verdict: "denied", code: "name_conflict" },
    buildTarget({}, { containers: [{ name: "bouncer-sidecar", image: "x" }] }),
    buildWorld(),
  ],
  [
    "no-installation",
    { verdict: "not_injected", code: "no_installation" },
    buildTarget(),
    buildWorld({ installations: [] }),
  ],
  [
    "selectors-changed",
    { verdict: "not_injected", code: "not_sent" },
    buildTarget(),
    buildWorld({
      installations: [
        buildInstallation({
          webhook: buildWebhook({ objectSelector: { matchLabels: { team: "blue" } } }),
        }),
      ],
    }),
  ],
  [
    "condition-unknown",
    { verdict: "unknown", code: "condition_unknown" },
    buildTarget(),
    buildWorld({
      installations: [
        buildInstallation({
          webhook: buildWebhook({
            matchConditions: [{ name: "who", expression: "request.userInfo.username != 'x'" }],
          }),
        }),
      ],
    }),
  ],
  [
    "settings-unreadable",
    { verdict: "unknown", code: "settings_unreadable" },
    buildTarget(),
    buildWorld({
      installations: [
        buildInstallation({
          settings: null,
          revision: null,
          problems: [`Cannot read ConfigMap "bouncer-system/bouncer-injector-settings": forbidden`],
        }),
      ],
    }),
  ],
  [
    "two-webhooks",
    { verdict: "injected", code: "injected" },
    buildTarget(),
    buildWorld({
      installations: [
        buildInstallation(),
        { ...canary, webhook: buildWebhook({ namespaceSelector: {} }) },
      ],
    }),
  ],
  [
    "other-installation",
    { verdict: "injected", code: "injected" },
    buildTarget(),
    buildWorld({
      ...inNamespace({ "bouncer-injection": "enabled", "bouncer.dev/rev": "canary" }),
      installations: [buildInstallation(), canary],
    }),
  ],
  [
    "runs-as-it-would-now",
    { verdict: "injected", code: "carries_bouncer" },
    buildRunning("2026-03-01T00:00:00Z", injected({})),
    buildWorld(),
  ],
  [
    "runs-older",
    { verdict: "injected", code: "carries_bouncer" },
    buildRunning(
      "2026-03-01T00:00:00Z",
      injected({ version: "1.0.0", settings: buildSettings({ preset: "large" }) }),
    ),
    buildWorld(),
  ],
  [
    "runs-and-would-not-now",
    { verdict: "injected", code: "carries_bouncer" },
    buildRunning("2026-03-01T00:00:00Z", injected({})),
    buildWorld(inNamespace({})),
  ],
  [
    "runs-in-another-mode",
    { verdict: "injected", code: "carries_bouncer" },
    buildRunning("2026-03-01T00:00:00Z", injected({})),
    buildWorld(
      inNamespace({
        "bouncer-injection": "enabled",
        "pod-security.kubernetes.io/enforce": "restricted",
      }),
    ),
  ],
  [
    "runs-and-is-not-sent-now",
    { verdict: "injected", code: "carries_bouncer" },
    buildRunning("2026-03-01T00:00:00Z", injected({})),
    buildWorld({
      installations: [
        buildInstallation({
          webhook: buildWebhook({ objectSelector: { matchLabels: { team: "blue" } } }),
        }),
      ],
    }),
  ],
  [
    "created-before-installation",
    { verdict: "not_injected", code: "created_before_installation" },
    buildRunning("2025-12-31T00:00:00Z"),
    buildWorld(),
  ],
  [
    "created-before-label",
    { verdict: "not_injected", code: "created_before_label" },
    buildRunning("2026-01-15T00:00:00Z"),
    buildWorld(),
  ],
  [
    "created-while-down",
    { verdict: "not_injected", code: "webhook_may_have_been_down" },
    buildRunning("2026-03-01T00:00:00Z"),
    buildWorld({
      installations: [buildInstallation({ webhook: buildWebhook({ failurePolicy: "Ignore" }) })],
    }),
  ],
  [
    "created-otherwise",
    { verdict: "not_injected", code: "created_otherwise" },
    buildRunning("2026-03-01T00:00:00Z"),
    buildWorld(),
  ],
];

test.each(cases)("%s", async (name, expected, target, world) => {
  const explanation = explain(target, world);
  expect(explanation).toMatchObject(expected);
  await expect(formatExplanation(explanation, false)).toMatchFileSnapshot(
    `../../../test/explanations/${name}.txt`,
  );
});

test("no golden is left over", () => {
  const files = readdirSync(new URL("../../../test/explanations/", import.meta.url));
  const names = [...cases.map(([name]) => name), "offline"];
  expect(files.toSorted()).toEqual(names.map((name) => `${name}.txt`).toSorted());
});

test("without a cluster", async () => {
  const settings = buildSettings({ revision: "canary" });
  const offline = { settings, version: "1.2.3", because: "there is no kubeconfig" };
  const explanation = explainOffline(buildTarget(), offline);
  expect(explanation).toMatchObject({ verdict: "injected", code: "injected" });
  await expect(formatExplanation(explanation, false)).toMatchFileSnapshot(
    "../../../test/explanations/offline.txt",
  );
});

test("what is not a pod is refused, not thrown", () => {
  for (const pod of [null, 1, [], { spec: {} }, { metadata: { labels: { a: 1 } } }]) {
    expect(explain({ ...buildTarget(), pod }, buildWorld())).toMatchObject({ code: "invalid_pod" });
  }
});
