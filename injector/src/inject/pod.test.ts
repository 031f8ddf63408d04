/** What goldens and laws do not show: denials, warnings, and what a fake status cannot do. */
import * as v from "valibot";
import { expect, test } from "vitest";
import { buildContext, buildSettings } from "../../test/support/context.ts";
import type { InjectionContext } from "./injection.ts";
import { inject } from "./pod.ts";
import { uninject } from "./uninject.ts";

const app = { name: "app", ports: [{ containerPort: 3000 }] };
const context = buildContext();

test.each([
  ["not an object", null, "the pod: null is not an object"],
  ["no spec", {}, "spec: missing"],
  ["no containers", { spec: {} }, "spec.containers: missing"],
  ["a container without a name", { spec: { containers: [{}] } }, "spec.containers.0.name: missing"],
  [
    "an annotation that is a number",
    { metadata: { annotations: { "bouncer.dev/cache-ttl": 5 } }, spec: { containers: [app] } },
    "metadata.annotations.bouncer.dev/cache-ttl: 5 is not text (quote the value)",
  ],
  [
    "a port that is text",
    { spec: { containers: [{ name: "app", ports: [{ containerPort: "80" }] }] } },
    `spec.containers.0.ports.0.containerPort: "80" is not a number`,
  ],
  [
    "a probe without a port",
    { spec: { containers: [{ name: "app", livenessProbe: { httpGet: { path: "/" } } }] } },
    "spec.containers.0.livenessProbe.httpGet.port: missing",
  ],
])("invalid_pod: %s", (_, pod, problem) => {
  expect(inject(pod, context)).toEqual({
    kind: "deny",
    reason: "invalid_pod",
    problems: [problem],
  });
  expect(uninject(pod)).toEqual({ kind: "failed", problems: [problem] });
});

test.each([
  [
    "an init container",
    { initContainers: [{ name: "bouncer-redirect" }] },
    `container "bouncer-redirect"`,
  ],
  [
    "a container",
    { containers: [app, { name: "bouncer-sidecar" }] },
    `container "bouncer-sidecar"`,
  ],
  ["a volume", { volumes: [{ name: "policy-cache" }] }, `volume "policy-cache"`],
  ["what is kept", { volumes: [{ name: "policy-state" }] }, `volume "policy-state"`],
])("name_conflict: %s", (_, spec, what) => {
  expect(inject({ spec: { containers: [app], ...spec } }, context)).toEqual({
    kind: "deny",
    reason: "name_conflict",
    problems: [`the name of ${what} is needed by the injector`],
  });
});

test("a volume of ours that a container of the application mounts is denied", () => {
  const volumeMounts = [{ name: "policy-cache", mountPath: "/policies" }];
  expect(inject({ spec: { containers: [{ ...app, volumeMounts }] } }, context)).toEqual({
    kind: "deny",
    reason: "name_conflict",
    problems: [`container "app" mounts "policy-cache", a volume of the injector`],
  });
  const injected = inject({ spec: { containers: [app] } }, context);
  if (injected.kind !== "inject") throw new Error(injected.reason);
  const { spec } = injected.pod;
  const containers = spec.containers.map((one) => ({ ...one, volumeMounts }));
  expect(inject({ ...injected.pod, spec: { ...spec, containers } }, context)).toMatchObject({
    reason: "name_conflict",
  });
});

test.each(["", "injected", "{}", `{"version":1}`])("invalid_status: %s", (status) => {
  const pod = {
    metadata: { annotations: { "bouncer.dev/status": status } },
    spec: { containers: [app] },
  };
  expect(inject(pod, context)).toMatchObject({ kind: "deny", reason: "invalid_status" });
  expect(uninject(pod)).toMatchObject({ kind: "failed" });
});

test("a status that was copied from another pod does not pass for a bouncer", () => {
  const injected = inject({ spec: { containers: [app] } }, context);
  if (injected.kind !== "inject") throw new Error(injected.reason);
  const copied = { metadata: injected.pod.metadata, spec: { containers: [app] } };
  expect(inject(copied, context)).toMatchObject({ kind: "inject", pod: injected.pod });
});

test("a pod of an injector before modes and revisions is read, rendered again and taken back", () => {
  const original = { spec: { containers: [app] } };
  const injected = inject(original, context);
  if (injected.kind !== "inject") throw new Error(injected.reason);
  const annotations = injected.pod.metadata?.annotations ?? {};
  const status = v.parse(
    v.pipe(v.string(), v.parseJson(), v.looseObject({ chosen: v.looseObject({}) })),
    annotations["bouncer.dev/status"],
  );
  const { extended: _1, chosen, ...rest } = status;
  const { mode: _2, revision: _3, ...older } = chosen;
  const written = JSON.stringify({ ...rest, chosen: older });
  const pod = {
    ...injected.pod,
    metadata: { annotations: { ...annotations, "bouncer.dev/status": written } },
  };
  expect(inject(pod, context)).toMatchObject({ reason: "already_injected", pod: injected.pod });
  expect(uninject(pod)).toEqual({ kind: "uninjected", pod: original });
});

test("a container in place of ours is replaced", () => {
  const injected = inject({ spec: { containers: [app] } }, context);
  if (injected.kind !== "inject") throw new Error(injected.reason);
  const { spec } = injected.pod;
  const faked = spec.initContainers?.map((init) => ({ name: init.name, image: "pause" }));
  const pod = { ...injected.pod, spec: { ...spec, initContainers: faked } };
  expect(inject(pod, context)).toMatchObject({ kind: "inject", pod: injected.pod });
});

test("what others have changed since stays when ours goes", () => {
  const original = {
    spec: {
      containers: [{ ...app, livenessProbe: { httpGet: { port: 3000 }, periodSeconds: 5 } }],
    },
  };
  const injected = inject(original, context);
  if (injected.kind !== "inject") throw new Error(injected.reason);
  const { metadata, spec } = injected.pod;
  const probe = { httpGet: { port: 3000, path: "/new" } };
  const edited = {
    metadata: { ...metadata, annotations: { ...metadata?.annotations, mine: "yes" } },
    spec: {
      ...spec,
      containers: spec.containers.map((one) => ({ ...one, livenessProbe: probe })),
      volumes: [...(spec.volumes ?? []), { name: "mine" }],
    },
  };
  expect(uninject(edited)).toEqual({
    kind: "uninjected",
    pod: {
      metadata: { annotations: { mine: "yes" } },
      spec: { containers: [{ ...app, livenessProbe: probe }], volumes: [{ name: "mine" }] },
    },
  });
});

test("a pod without ports is told what that means", () => {
  const pod = { spec: { containers: [{ name: "worker" }] } };
  const open = buildContext({ settings: buildSettings({ unlistedPorts: "allow" }) });
  const messages = [context, open].map((given) => {
    const injection = inject(pod, given);
    return injection.kind === "inject" ? injection.warnings.map(({ message }) => message) : [];
  });
  expect(messages).toEqual([
    ["No container declares a TCP port, so all inbound TCP is refused."],
    ["No container declares a TCP port, so nothing is decided: all inbound TCP is let through."],
  ]);
});

test("a port by a name that no container declares is denied", () => {
  const pod = {
    metadata: { annotations: { "bouncer.dev/app-ports": "http" } },
    spec: { containers: [app] },
  };
  expect(inject(pod, context)).toEqual({
    kind: "deny",
    reason: "invalid_annotation",
    problems: [
      `annotation bouncer.dev/app-ports: "http" is not the name of a TCP port of a container`,
    ],
  });
});

test("too many ports are denied", () => {
  const ports = Array.from({ length: 300 }, (_, index) => ({ containerPort: index + 1 }));
  expect(inject({ spec: { containers: [{ name: "app", ports }] } }, context)).toEqual({
    kind: "deny",
    reason: "too_many_ports",
    problems: ["the pod has 300 app ports, the bouncer listens for 256 at most"],
  });
});

const enforcing = (level: string) =>
  buildContext({
    namespace: {
      name: "shop",
      labels: { "bouncer-injection": "enabled", "pod-security.kubernetes.io/enforce": level },
      annotations: {},
    },
  });

const warningsOf = (pod: unknown, given: InjectionContext) => {
  const injection = inject(pod, given);
  return injection.kind === "inject"
    ? injection.warnings.map(({ code, message }) => `${code}: ${message}`)
    : [injection.reason];
};

test.each<readonly [string, InjectionContext, object, readonly string[]]>([
  ["nothing out of the ordinary", context, {}, []],
  [
    "native sidecars that the cluster cannot have",
    buildContext({
      settings: buildSettings({ nativeSidecar: true }),
      cluster: { apiServer: "1.33.1", oldestKubelet: "1.27.4", services: null },
    }),
    {},
    ["native_sidecar_unsupported: the oldest kubelet is 1.27.4: "],
  ],
  [
    "shadow mode",
    buildContext({ settings: buildSettings({ shadow: true }) }),
    {},
    ["shadow_mode: bouncer.dev/shadow: "],
  ],
  [
    "exclusions in service mode",
    buildContext({
      settings: buildSettings({
        mode: "service",
        excludedPorts: [9100],
        excludedSourceCidrs: ["10.0.0.0/8"],
      }),
    }),
    {},
    [
      "exclusion_without_effect: bouncer.dev/excluded-ports: ",
      "exclusion_without_effect: bouncer.dev/excluded-source-cidrs: ",
    ],
  ],
  [
    "the power to remove rules",
    context,
    { hostPID: true, containers: [{ ...app, securityContext: { privileged: true } }] },
    ["could_remove_rules: hostPID: true: ", "could_remove_rules: container app: privileged: "],
  ],
  [
    "the power to remove rules where there are none",
    buildContext({ settings: buildSettings({ mode: "service" }) }),
    { hostPID: true },
    [],
  ],
])("warnings: %s", (_, given, spec, expected) => {
  const warnings = warningsOf({ spec: { containers: [app], ...spec } }, given);
  expect(warnings.map((one, index) => one.slice(0, expected[index]?.length))).toEqual(expected);
});

/** Pod Security Standard "restricted", as far as containers go; "baseline" is part of it. */
const meetsRestricted = {
  runAsNonRoot: true,
  privileged: false,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

test.each(["baseline", "restricted"])("what is added meets Pod Security %s", (level) => {
  const injection = inject({ spec: { containers: [app] } }, enforcing(level));
  if (injection.kind !== "inject") throw new Error(injection.reason);
  const { initContainers } = injection.pod.spec;
  expect(initContainers?.map(({ name }) => name)).toEqual(["policy-loader", "bouncer-sidecar"]);
  for (const container of initContainers ?? []) {
    expect(container.securityContext).toMatchObject(meetsRestricted);
    expect(container.securityContext?.capabilities?.add).toBeUndefined();
  }
});

test("redirect where Pod Security forbids it is denied, not left to fail", () => {
  const pod = {
    metadata: { annotations: { "bouncer.dev/mode": "redirect" } },
    spec: { containers: [app] },
  };
  const settings = buildSettings({ allowedPodAnnotations: ["mode"] });
  expect(inject(pod, { ...enforcing("baseline"), settings })).toMatchObject({
    kind: "deny",
    reason: "pod_security_forbids_redirect",
  });
});

const withVolume = { name: "policy-state", mountPath: "/var/lib/bouncer" };

/** Who mounts the volume of what is kept, and whether the pod has it. */
function findState(pod: unknown, settings: unknown) {
  const result = inject(pod, buildContext({ settings: buildSettings(settings) }));
  if (result.kind !== "inject") throw new Error(JSON.stringify(result));
  const { spec, metadata } = result.pod;
  return {
    pod: result.pod,
    volume: spec.volumes?.find(({ name }) => name === "policy-state") ?? null,
    mounting: [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ name, ...rest }) =>
      (rest.volumeMounts ?? [])
        .filter((mount) => mount.name === "policy-state")
        .map((mount) => [name, mount]),
    ),
    told: [...(spec.initContainers ?? []), ...spec.containers]
      .filter(({ env }) => env?.some(({ name }) => name === "POLICY_PERSIST_DIRECTORY") ?? false)
      .map(({ name }) => name),
    evictable:
      metadata?.annotations?.["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"],
  };
}

test("what is kept of policies is the sidecar's alone", () => {
  expect(findState({ spec: { containers: [app] } }, {})).toMatchObject({
    volume: { emptyDir: { sizeLimit: "128Mi" } },
    mounting: [["bouncer-sidecar", withVolume]],
    told: ["bouncer-sidecar"],
    evictable: "policy-cache,policy-state,audit-logs",
  });
});

test("nothing is kept where the operator does not want it", () => {
  expect(findState({ spec: { containers: [app] } }, { policy: { persist: false } })).toMatchObject({
    volume: null,
    mounting: [],
    told: [],
    evictable: "policy-cache,audit-logs",
  });
});

test("pods from before there was such a volume get it, and give it back", () => {
  const original = { spec: { containers: [app] } };
  const older = findState(original, { policy: { persist: false } }).pod;
  const newer = findState(older, {});
  expect(newer.pod).toStrictEqual(findState(original, {}).pod);
  expect(uninject(older)).toEqual({ kind: "uninjected", pod: original });
  expect(uninject(newer.pod)).toEqual({ kind: "uninjected", pod: original });
});

test.each([
  ["1048576", "128Mi"],
  ["100000000", "191Mi"],
  ["", "128Mi"],
  ["all", "128Mi"],
])("the volumes are large enough for POLICY_MAX_SET_BYTES=%s", (value, sizeLimit) => {
  const extraEnv = [{ name: "POLICY_MAX_SET_BYTES", value }];
  const { pod } = findState({ spec: { containers: [app] } }, { extraEnv });
  const limits = pod.spec.volumes?.slice(0, 2);
  expect(limits).toMatchObject([{ emptyDir: { sizeLimit } }, { emptyDir: { sizeLimit } }]);
});
