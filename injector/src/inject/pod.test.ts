/** What goldens and laws do not show: denials, warnings, and what a fake status cannot do. */
import { expect, test } from "vitest";
import { buildContext, buildSettings } from "../../test/support/context.ts";
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
])("name_conflict: %s", (_, spec, what) => {
  expect(inject({ spec: { containers: [app], ...spec } }, context)).toEqual({
    kind: "deny",
    reason: "name_conflict",
    problems: [`the name of ${what} is needed by the injector`],
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
