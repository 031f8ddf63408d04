/** What holds for every pod: over the corpus of manifests, and over pods that nobody would write. */
import * as fc from "fast-check";
import jsonPatch from "fast-json-patch";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { arbitraryPod } from "../../test/support/arbitrary-pod.ts";
import { injectPods } from "../cli/change.ts";
import { adminToken, buildContext, buildSettings } from "../../test/support/context.ts";
import { corpusPods } from "../../test/support/corpus.ts";
import { largePods } from "../../test/support/large-pods.ts";
import { isEqual } from "./equal.ts";
import { type Injection, type InjectionContext, unknownCluster } from "./injection.ts";
import { checkPod, type Pod } from "./kubernetes.ts";
import { buildPatch } from "./patch.ts";
import { toItems } from "./pod-annotations.ts";
import { inject } from "./pod.ts";
import { uninject } from "./uninject.ts";

const everything = buildSettings({
  imagePullSecrets: ["registry", "bouncer"],
  nativeSidecar: false,
  unlistedPorts: "allow",
  policy: {
    bundleUrl: "https://bridge/b,https://bridge/c",
    syncUrl: "wss://bridge/s",
    syncCa: "PEM",
    http: { allow: ["bridge"] },
  },
  extraEnv: [{ name: "OTEL_ENABLED", value: "true" }],
});
const exceptional = buildSettings({
  nativeSidecar: true,
  preset: "xlarge",
  imagePullSecrets: ["other"],
  shadow: true,
  excludedPorts: [9404, "8000-8010"],
  excludedSourceCidrs: ["10.0.0.0/8"],
  degradedRoutes: ["GET /health"],
  policy: { persist: false },
  allowedPodAnnotations: ["mode", "excluded-ports"],
  trustedProxies: ["fd00::/8"],
  audit: { destination: "file", mode: "auditability", masks: ["/input/headers/cookie"] },
});
const service = buildSettings({ mode: "service" });
const { namespace } = buildContext();
const enforce = "pod-security.kubernetes.io/enforce";

const asPod = (value: unknown): Pod => {
  const checked = checkPod(value);
  if (!checked.ok) throw new Error(checked.problems.join("\n"));
  return checked.pod;
};

/** Of everything in the corpus, so that Services select it. */
const corpusLabels = corpusPods.map(([, pod]) => asPod(pod).metadata?.labels ?? {});

const contexts: readonly (readonly [string, InjectionContext])[] = [
  ["by default", buildContext()],
  ["with everything set", buildContext({ settings: everything })],
  ["with every exception", buildContext({ settings: exceptional })],
  ["without redirect", buildContext({ settings: service })],
  [
    "with TLS and protocols that Services name",
    buildContext({
      settings: buildSettings({ via: "none", longLivedStreams: "close", threads: 2 }),
      namespace: {
        ...namespace,
        annotations: {
          "bouncer.dev/tls-secret": "certificate",
          "bouncer.dev/app-protocols": "8080=h2c",
        },
      },
      cluster: {
        ...unknownCluster,
        services: corpusLabels.map((selector, index) => ({
          name: `s${index}`,
          selector,
          ports: [80, 3000, 8080].map((port) => ({
            port,
            targetPort: port,
            protocol: "TCP",
            appProtocol: index % 2 === 0 ? "kubernetes.io/h2c" : "http",
          })),
        })),
      },
    }),
  ],
  [
    "in a restricted namespace of an old cluster",
    buildContext({
      namespace: { ...namespace, labels: { ...namespace.labels, [enforce]: "restricted" } },
      cluster: { apiServer: "1.29.0", oldestKubelet: "1.28.9", services: [] },
    }),
  ],
];

const ourNames = ["bouncer-redirect", "policy-loader", "bouncer-sidecar"];
const lists = new Set([
  "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
  "traffic.sidecar.istio.io/excludeInboundPorts",
  "config.linkerd.io/skip-inbound-ports",
]);
const fields = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

function injected(
  value: unknown,
  context: InjectionContext,
): Extract<Injection, { kind: "inject" }> {
  const result = inject(value, context);
  if (result.kind !== "inject") throw new Error(JSON.stringify(result));
  return result;
}

const laws: Readonly<Record<string, (pod: unknown, context: InjectionContext) => void>> = {
  "injecting twice is injecting once, whatever the token": (pod, context) => {
    const once = injected(pod, context).pod;
    const other = { ...context, adminToken: "another-token-another-token" };
    const twice = injected(once, other);
    expect(twice.pod).toStrictEqual(once);
    expect(twice.reason).toBe("already_injected");
    expect(buildPatch(once, twice.pod)).toEqual([]);
  },

  "uninject gives the pod back": (pod, context) => {
    expect(uninject(injected(pod, context).pod)).toStrictEqual({ kind: "uninjected", pod });
  },

  "uninject leaves a pod alone that has no bouncer": (pod) => {
    expect(uninject(pod)).toEqual({ kind: "unchanged" });
  },

  "injecting again with other settings is injecting the original with them": (pod, context) => {
    const other = { ...context, settings: buildSettings({ preset: "xlarge", cacheTtl: 0 }) };
    fc.pre(inject(pod, other).kind === "inject");
    expect(injected(injected(pod, context).pod, other).pod).toStrictEqual(injected(pod, other).pod);
  },

  "the patch makes the injected pod of the original, and touches nothing else": (pod, context) => {
    const wanted = injected(pod, context).pod;
    const patch = buildPatch(asPod(pod), wanted);
    const copy: unknown = JSON.parse(JSON.stringify(pod));
    expect(jsonPatch.applyPatch(copy, patch, true).newDocument).toEqual(
      JSON.parse(JSON.stringify(wanted)),
    );
    for (const { op, path } of patch) {
      expect(`${op} ${path}`).toMatch(
        /^(add|replace) \/(metadata(\/annotations.*)?|spec\/(volumes|initContainers|containers|imagePullSecrets)(\/\d+|\/-)?)$|^(add|replace|remove) \/spec\/(initContainers|containers)\/\d+\/(livenessProbe|readinessProbe|startupProbe|lifecycle)\/./,
      );
    }
  },

  "what the user wrote is kept, but for what probes and hooks do": (pod, context) => {
    const after = withoutProbes(injected(pod, context).pod);
    const before = withoutProbes(asPod(pod));
    const names = before.spec.containers.map(({ name }) => name);
    expect(after.spec.containers.filter(({ name }) => names.includes(name))).toStrictEqual(
      before.spec.containers,
    );
    const inits = (after.spec.initContainers ?? []).filter(({ name }) => !ourNames.includes(name));
    expect(inits).toStrictEqual(before.spec.initContainers ?? []);
    expect((after.spec.volumes ?? []).slice(0, before.spec.volumes?.length ?? 0)).toStrictEqual(
      before.spec.volumes ?? [],
    );
    for (const [key, value] of Object.entries(before.metadata?.annotations ?? {})) {
      const now = after.metadata?.annotations?.[key];
      // Lists of others keep their items, and get ours.
      if (lists.has(key))
        expect(toItems(now ?? "")).toEqual(expect.arrayContaining(toItems(value)));
      else expect([key, now]).toEqual([key, value]);
    }
    const {
      spec: { containers: _1, initContainers: _2, volumes: _3, imagePullSecrets: _4, ...spec },
    } = before;
    expect(after.spec).toMatchObject(spec);
  },

  "the kubelet asks nobody but the bouncer, or a warning says so": (pod, context) => {
    const { pod: wanted, warnings } = injected(pod, context);
    const status: unknown = JSON.parse(wanted.metadata?.annotations?.["bouncer.dev/status"] ?? "");
    // Who is not redirected meets the bouncer only at its own port.
    if (isEqual(v.parse(chosen, status).chosen.mode, "service")) {
      expect(withProbes(wanted)).toEqual(withProbes(asPod(pod)));
      return;
    }
    const left = wanted.spec.containers.flatMap((container) =>
      fields
        .filter((field) => {
          const probe = container[field];
          const target = probe?.httpGet ?? probe?.tcpSocket ?? probe?.grpc;
          const isOurs = probe?.httpGet?.path?.startsWith(`/probe/${adminToken}/`) ?? false;
          return target !== undefined && target !== null && !isOurs && !isLocal(probe);
        })
        .map((field) => `${field} of container ${container.name}`),
    );
    const ours = left.filter((one) => !one.endsWith(" bouncer-sidecar"));
    const said = warnings
      .filter(({ code }) => code === "probe_left_as_written")
      .map(({ message }) => message);
    expect(ours.filter((one) => !said.some((message) => message.startsWith(one)))).toEqual([]);
  },

  "the pod that was passed in is not changed": (pod, context) => {
    const before = JSON.stringify(pod);
    uninject(injected(pod, context).pod);
    expect(JSON.stringify(pod) === before).toBe(true);
  },
};

const isLocal = (probe: { exec?: unknown; sleep?: unknown } | null | undefined) =>
  (probe?.exec ?? probe?.sleep ?? null) !== null;

const chosen = v.object({ chosen: v.object({ mode: v.string() }) });

/** Network probes only: those are all that moves, in the other mode. */
const withProbes = (pod: Pod) =>
  pod.spec.containers
    .filter(({ name }) => !ourNames.includes(name))
    .flatMap((container) => fields.map((field) => [container.name, field, container[field]]));

const clean = (containers: Pod["spec"]["containers"]) =>
  containers.map(
    ({ livenessProbe: _1, readinessProbe: _2, startupProbe: _3, lifecycle: _4, ...rest }) => rest,
  );

function withoutProbes(pod: Pod): Pod {
  const inits = pod.spec.initContainers;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: clean(pod.spec.containers),
      ...(inits && { initContainers: clean(inits) }),
    },
  };
}

const createAdminToken = () => adminToken;

const injectable = (pod: unknown, context: InjectionContext) =>
  inject(pod, context).kind === "inject";

describe.each(contexts)("%s", (_, context) => {
  const pods = [...corpusPods, ...largePods].filter(([, pod]) => injectable(pod, context));

  test("the corpus is not skipped", () => {
    expect(pods.length).toBeGreaterThanOrEqual(38);
  });

  describe.each(Object.entries(laws))("%s", (__, law) => {
    test.each(pods)("%s", (___, pod) => {
      expect.hasAssertions();
      law(pod, context);
    });

    test("generated pods", () => {
      expect.hasAssertions();
      fc.assert(
        fc.property(arbitraryPod, (pod) => {
          fc.pre(injectable(pod, context));
          law(pod, context);
        }),
        { numRuns: 60 },
      );
    });
  });
});

describe.each([
  ["by default", buildSettings()],
  ["with everything set", everything],
  ["with every exception", exceptional],
  ["without redirect", service],
])("%s, the command line's answer is the webhook's", (_, settings) => {
  const context = buildContext({ settings, injectorNamespace: null });
  const change = injectPods({ settings, version: context.version, createAdminToken });
  const workload = { title: "pod/x", namespace: "shop", path: "" };

  test.each([...corpusPods, ...largePods])("%s", (__, pod) => {
    const injection = inject(pod, context);
    const { changed, problems } = change(pod, workload);
    const copy: unknown = JSON.parse(JSON.stringify(pod));
    const answer =
      injection.kind === "inject"
        ? jsonPatch.applyPatch(copy, buildPatch(asPod(pod), injection.pod), true).newDocument
        : null;
    expect(problems.length > 0).toBe(injection.kind === "deny");
    // Nothing is changed in what comes injected.
    expect(answer === null || isEqual(changed ?? pod, answer)).toBe(true);
    expect(answer !== null || changed === null).toBe(true);
  });
});

test("whatever comes in, there is an answer", () => {
  const junk = fc.oneof(
    fc.jsonValue(),
    fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue() }),
    fc.record({ spec: fc.record({ containers: fc.array(fc.jsonValue()) }) }),
    fc.jsonValue().map((status) => ({
      metadata: { annotations: { "bouncer.dev/status": JSON.stringify(status) } },
      spec: { containers: [{ name: "app" }] },
    })),
  );
  fc.assert(
    fc.property(junk, (value) => {
      const result = inject(value, buildContext());
      expect(["inject", "skip", "deny"]).toContain(result.kind);
      expect(["uninjected", "unchanged", "failed"]).toContain(uninject(value).kind);
    }),
    { numRuns: 1000 },
  );
});
