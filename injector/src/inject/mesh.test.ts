/** Other injectors before and after ours: what must hold for every pod, and what is decided. */
import { environment, type Probe } from "bouncer/contract";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryPod } from "../../test/support/arbitrary-pod.ts";
import { adminToken, buildContext, buildSettings } from "../../test/support/context.ts";
import { corpusPods } from "../../test/support/corpus.ts";
import { addIstio, addLinkerd, addVault } from "../../test/support/meshes.ts";
import type { InjectionContext } from "./injection.ts";
import { checkPod, type Container, type Metadata, type Pod, type StringMap } from "./kubernetes.ts";
import { countBefore, findMeshes } from "./mesh.ts";
import { buildPatch } from "./patch.ts";
import { inject } from "./pod.ts";
import { uninject } from "./uninject.ts";

const labels = { "bouncer-injection": "enabled" };
const namespace = { name: "shop", labels, annotations: {} };
const istioNamespace = { ...namespace, labels: { ...labels, "istio-injection": "enabled" } };
const linkerdNamespace = { ...namespace, annotations: { "linkerd.io/inject": "enabled" } };

function injected(pod: unknown, context: InjectionContext) {
  const result = inject(pod, context);
  if (result.kind !== "inject") throw new Error(JSON.stringify(result));
  return result;
}

function asPod(value: unknown): Pod {
  const checked = checkPod(value);
  if (!checked.ok) throw new Error(checked.problems.join("\n"));
  return checked.pod;
}

const containersOf = ({ spec }: Pod): Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
];

const named = (pod: Pod, name: string) => containersOf(pod).find((one) => one.name === name);

function variableOf(pod: Pod, container: string, name: string): string {
  return named(pod, container)?.env?.find((variable) => variable.name === name)?.value ?? "";
}

function probesOf(pod: Pod): readonly Probe[] {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- as the contract says
  return JSON.parse(variableOf(pod, "bouncer-sidecar", environment.probes)) as Probe[];
}

interface Injector {
  readonly add: (pod: Pod) => Pod;
  readonly namespace: InjectionContext["namespace"];
}

const injectors: Readonly<Record<string, Injector>> = {
  Istio: { add: (pod) => addIstio(pod), namespace: istioNamespace },
  "Istio with a native proxy": {
    add: (pod) => addIstio(pod, { native: true }),
    namespace: istioNamespace,
  },
  "Istio with CNI": { add: (pod) => addIstio(pod, { cni: true }), namespace: istioNamespace },
  "Istio that nobody expects": { add: (pod) => addIstio(pod), namespace },
  Linkerd: { add: (pod) => addLinkerd(pod), namespace: linkerdNamespace },
  "Linkerd with a native proxy": {
    add: (pod) => addLinkerd(pod, { native: true }),
    namespace: linkerdNamespace,
  },
  Vault: { add: (pod) => addVault(pod), namespace },
  "Vault, first": { add: (pod) => addVault(pod, { initFirst: true }), namespace },
  "Vault and Istio": { add: (pod) => addIstio(addVault(pod)), namespace: istioNamespace },
};

type Law = (pod: Pod, context: InjectionContext, add: (pod: Pod) => Pod) => void;

const laws: Readonly<Record<string, Law>> = {
  "once is enough when the other was here before": (pod, context, add) => {
    const once = injected(add(pod), context).pod;
    expect(buildPatch(once, injected(once, context).pod)).toEqual([]);
  },

  "uninject gives back the pod that the other had made": (pod, context, add) => {
    expect(uninject(injected(add(pod), context).pod)).toStrictEqual({
      kind: "uninjected",
      pod: add(pod),
    });
  },

  "once more is enough when the other came after": (pod, context, add) => {
    const again = injected(add(injected(pod, context).pod), context).pod;
    expect(buildPatch(again, injected(again, context).pod)).toEqual([]);
  },

  "what the bouncer is told to do for the kubelet stays the same": (pod, context, add) => {
    const first = injected(pod, context).pod;
    expect(probesOf(injected(add(first), context).pod)).toEqual(probesOf(first));
  },

  "no probe or hook goes round in a circle": (pod, context, add) => {
    for (const given of [add(pod), add(injected(pod, context).pod)]) {
      const wanted = injected(given, context).pod;
      for (const { action } of probesOf(wanted)) {
        expect(action.port).not.toBe(15_020);
        expect(action.kind === "http" ? action.path : "").not.toMatch(
          /^\/(probe|app-health|app-lifecycle)\//,
        );
      }
    }
  },

  "a second pass gives our own containers back as they are": (pod, context, add) => {
    const first = injected(pod, context).pod;
    const again = injected(add(first), context).pod;
    const before = named(first, "bouncer-sidecar");
    // Of a mesh that nobody expected, other ports have to be avoided.
    fc.pre(
      variableOf(first, "bouncer-sidecar", "LISTENERS") ===
        variableOf(again, "bouncer-sidecar", "LISTENERS"),
    );
    expect(named(again, "bouncer-sidecar")).toEqual(before);
    expect(named(again, "policy-loader")).toEqual(named(first, "policy-loader"));
  },

  "uninject gives the application's containers back, whoever came after": (pod, context, add) => {
    const left = uninject(injected(add(injected(pod, context).pod), context).pod);
    const names = containersOf(pod).map(({ name }) => name);
    const alone = add(pod);
    const pick = (of: Pod) =>
      containersOf(of)
        .filter(({ name }) => names.includes(name))
        .map(({ name, ports, env, volumeMounts }) => ({ name, ports, env, volumeMounts }));
    expect(left.kind === "uninjected" && pick(left.pod)).toEqual(pick(alone));
  },

  "what the other added stays": (pod, context, add) => {
    const between = add(injected(pod, context).pod);
    const again = injected(between, context).pod;
    const ours = ["bouncer-redirect", "policy-loader", "bouncer-sidecar"];
    const known = [...ours, ...containersOf(pod).map(({ name }) => name)];
    const added = containersOf(between).filter(({ name }) => !known.includes(name));
    expect(containersOf(again).filter(({ name }) => !known.includes(name))).toEqual(added);
    expect(again.spec.volumes).toEqual(expect.arrayContaining(between.spec.volumes ?? []));
  },
};

const modes = {
  redirect: {},
  "redirect, ordinary sidecar": { nativeSidecar: false },
  service: { mode: "service" },
} as const;

describe.each(Object.entries(injectors))("%s", (_, { add, namespace: of }) => {
  describe.each(Object.entries(modes))("%s", (__, settings) => {
    const context = buildContext({ namespace: of, settings: buildSettings(settings) });
    const isFit = (pod: unknown) =>
      inject(pod, context).kind === "inject" && inject(add(asPod(pod)), context).kind === "inject";
    const pods = corpusPods.filter(([, pod]) => isFit(pod));

    test.each(Object.entries(laws))("%s", (___, law) => {
      expect(pods.length).toBeGreaterThanOrEqual(15);
      for (const [, pod] of pods) {
        try {
          law(asPod(pod), context, add);
        } catch (error) {
          if (!(error instanceof fc.PreconditionFailure)) throw error;
        }
      }
      fc.assert(
        fc.property(arbitraryPod, (pod) => {
          fc.pre(isFit(pod));
          law(asPod(pod), context, add);
        }),
        { numRuns: 5 },
      );
    });
  });
});

describe("which meshes are there, and which are expected", () => {
  interface Given {
    readonly on?: StringMap;
    readonly off?: StringMap;
    readonly pod?: Metadata;
    readonly containers?: readonly string[];
  }
  const injectKey = "sidecar.istio.io/inject";
  const cases: readonly (readonly [expected: string, Given])[] = [
    ["", {}],
    ["istio expected", { on: { "istio-injection": "enabled" } }],
    ["istio expected", { on: { "istio.io/rev": "canary" } }],
    ["", { on: { "istio-injection": "disabled", "istio.io/rev": "canary" } }],
    ["", { on: { "istio-injection": "disabled" }, pod: { labels: { [injectKey]: "true" } } }],
    ["", { on: { "istio-injection": "enabled" }, pod: { labels: { [injectKey]: "false" } } }],
    ["", { on: { "istio-injection": "enabled" }, pod: { annotations: { [injectKey]: "false" } } }],
    [
      "istio expected",
      {
        on: { "istio-injection": "enabled" },
        pod: { labels: { [injectKey]: "true" }, annotations: { [injectKey]: "false" } },
      },
    ],
    ["istio expected", { pod: { labels: { [injectKey]: "true" } } }],
    ["istio expected", { pod: { labels: { "istio.io/rev": "canary" } } }],
    ["", { pod: { annotations: { [injectKey]: "true" } } }],
    ["ambient", { on: { "istio.io/dataplane-mode": "ambient" } }],
    ["ambient", { on: { "istio.io/dataplane-mode": "ambient", "istio.io/rev": "canary" } }],
    ["ambient", { pod: { labels: { "istio.io/dataplane-mode": "ambient" } } }],
    [
      "",
      {
        on: { "istio.io/dataplane-mode": "ambient" },
        pod: { labels: { "istio.io/dataplane-mode": "none" } },
      },
    ],
    [
      "istio present",
      { on: { "istio.io/dataplane-mode": "ambient" }, containers: ["app", "istio-proxy"] },
    ],
    ["istio present", { containers: ["istio-proxy", "app"] }],
    ["", { on: { "istio-injection": "enabled" }, containers: ["istio-proxy"] }],
    ["linkerd expected", { off: { "linkerd.io/inject": "enabled" } }],
    ["linkerd expected", { pod: { annotations: { "linkerd.io/inject": "ingress" } } }],
    [
      "",
      {
        off: { "linkerd.io/inject": "enabled" },
        pod: { annotations: { "linkerd.io/inject": "disabled" } },
      },
    ],
    ["linkerd present", { containers: ["linkerd-proxy", "app"] }],
    [
      "istio expected, linkerd present",
      { on: { "istio-injection": "enabled" }, containers: ["linkerd-proxy", "app"] },
    ],
  ];
  test.each(cases)("%s: %j", (expected, { on = {}, off = {}, pod = {}, containers = ["app"] }) => {
    const found = findMeshes(
      { metadata: pod, spec: { containers: containers.map((name) => ({ name })) } },
      { labels: on, annotations: off },
    );
    const said = found.sidecars.map(({ kind, state }) => `${kind} ${state}`);
    expect([...said, ...(found.ambient ? ["ambient"] : [])].join(", ")).toBe(expected);
  });
});

test.each([
  ["a proxy that goes on running", ["istio-init", "istio-proxy:Always", "app-init"], 2],
  ["one that comes later", ["app-init", "istio-init", "istio-proxy:Always"], 0],
  ["rules only", ["istio-init", "app-init"], 0],
  ["nothing", [], 0],
])("ours start behind %s", (_, inits, expected) => {
  const initContainers = inits.map((text) => {
    const [name = "", restartPolicy] = text.split(":");
    return { name, ...(restartPolicy !== undefined && { restartPolicy }) };
  });
  const spec = { initContainers, containers: [{ name: "app" }, { name: "istio-proxy" }] };
  const pod = { spec };
  expect(countBefore(pod, findMeshes(pod, { labels: {}, annotations: {} }))).toBe(expected);
});

describe("probes", () => {
  const app = { name: "app", ports: [{ name: "http", containerPort: 3000 }] };
  const probed = {
    ...app,
    livenessProbe: { httpGet: { path: "/live", port: "http" }, periodSeconds: 7 },
  };
  const context = buildContext({ namespace: istioNamespace });
  const ours = `/probe/${adminToken}/app/livenessProbe`;
  const agents = { path: "/app-health/app/livez", port: 15_020, scheme: "HTTP" };

  test("one that was the application's when Istio rewrote it stays with Istio's agent", () => {
    const { pod } = injected(addIstio({ spec: { containers: [probed] } }), context);
    expect(named(pod, "app")?.livenessProbe?.httpGet).toEqual(agents);
    expect(probesOf(pod)).toEqual([]);
  });

  test("one that was the bouncer's when Istio rewrote it is the bouncer's again, and is still answered to the agent", () => {
    const between = addIstio(injected({ spec: { containers: [probed] } }, context).pod);
    expect(named(between, "app")?.livenessProbe?.httpGet).toEqual(agents);
    const { pod } = injected(between, context);
    expect(named(pod, "app")?.livenessProbe).toEqual({
      httpGet: { path: ours, port: 9090 },
      periodSeconds: 7,
    });
    expect(variableOf(pod, "istio-proxy", "ISTIO_KUBE_APP_PROBERS")).toContain(ours);
    expect(probesOf(pod)).toMatchObject([
      { container: "app", field: "livenessProbe", action: { port: 3000, path: "/live" } },
    ]);
  });

  test("the original is in the pod that uninject leaves, not Istio's way to a bouncer that is gone", () => {
    const between = addIstio(injected({ spec: { containers: [probed] } }, context).pod);
    for (const pod of [between, injected(between, context).pod]) {
      const left = uninject(pod);
      expect(left.kind === "uninjected" && named(left.pod, "app")?.livenessProbe).toEqual(
        probed.livenessProbe,
      );
    }
  });

  test("a third pass by Istio is undone as well", () => {
    const first = injected({ spec: { containers: [probed] } }, context).pod;
    const again = injected(addIstio(first), context).pod;
    const livenessProbe = { httpGet: agents, periodSeconds: 7 };
    const changed = {
      ...again,
      spec: {
        ...again.spec,
        containers: again.spec.containers.map((one) =>
          one.name === "app" ? { ...one, livenessProbe } : one,
        ),
      },
    };
    expect(injected(changed, context).pod).toEqual(again);
  });

  test("the agent's path without Istio is the application's own", () => {
    const own = { ...app, livenessProbe: { httpGet: { path: agents.path, port: 3000 } } };
    const { pod } = injected({ spec: { containers: [own] } }, context);
    expect(probesOf(pod)).toMatchObject([{ action: { port: 3000, path: agents.path } }]);
  });

  test("those of the proxies are theirs, and ports that only probes name stay app ports", () => {
    const portless = { name: "app", livenessProbe: { tcpSocket: { port: 5000 } } };
    for (const add of [(pod: Pod) => addIstio(pod), (pod: Pod) => addLinkerd(pod)]) {
      const { pod } = injected(add({ spec: { containers: [portless] } }), buildContext());
      expect(variableOf(pod, "bouncer-sidecar", "LISTENERS")).toBe("8080:5000");
      for (const name of ["istio-proxy", "linkerd-proxy"]) {
        const before = named(add({ spec: { containers: [portless] } }), name);
        expect(named(pod, name)).toEqual(before);
      }
    }
  });
});

describe("what the mesh is told to leave", () => {
  const istioKey = "traffic.sidecar.istio.io/excludeInboundPorts";
  const linkerdKey = "config.linkerd.io/skip-inbound-ports";
  const containers = [{ name: "app", ports: [{ containerPort: 3000 }] }];
  const wide = { excludedPorts: ["20000-30000", "7000-7001"] };
  const cases: readonly (readonly [
    title: string,
    context: Partial<InjectionContext>,
    annotations: StringMap,
    expected: StringMap,
  ])[] = [
    ["nothing without a mesh", {}, {}, {}],
    ["by Istio", { namespace: istioNamespace }, {}, { [istioKey]: "3000,8080,9090" }],
    [
      "what the user says, too, once",
      { namespace: istioNamespace },
      { [istioKey]: "9090, 1234" },
      { [istioKey]: "9090,1234,3000,8080" },
    ],
    ["by Linkerd", { namespace: linkerdNamespace }, {}, { [linkerdKey]: "3000,8080,9090" }],
    [
      "what the namespace says to Linkerd",
      {
        namespace: {
          ...namespace,
          annotations: { ...linkerdNamespace.annotations, [linkerdKey]: "25" },
        },
      },
      {},
      { [linkerdKey]: "25,3000,8080,9090" },
    ],
    [
      "in service mode the admin port only",
      { namespace: istioNamespace, settings: buildSettings({ mode: "service" }) },
      {},
      { [istioKey]: "9090" },
    ],
    [
      "excluded ports, and ranges that are not too wide one by one",
      { namespace: istioNamespace, settings: buildSettings(wide) },
      {},
      { [istioKey]: "3000,8080,9090,7000,7001" },
    ],
    [
      "ranges as they are by Linkerd",
      { namespace: linkerdNamespace, settings: buildSettings(wide) },
      {},
      { [linkerdKey]: "3000,8080,9090,20000-30000,7000-7001" },
    ],
    [
      "nothing that is excluded when what is not listed is let through anyway",
      {
        namespace: istioNamespace,
        settings: buildSettings({ ...wide, unlistedPorts: "allow" }),
      },
      {},
      { [istioKey]: "3000,8080,9090" },
    ],
  ];
  test.each(cases)("%s", (_, given, annotations, expected) => {
    const pod = { metadata: { annotations }, spec: { containers } };
    const context = buildContext(given);
    const result = injected(pod, context).pod;
    const found = Object.entries(result.metadata?.annotations ?? {}).filter(([key]) =>
      [istioKey, linkerdKey].includes(key),
    );
    expect(Object.fromEntries(found)).toEqual(expected);
    expect(uninject(result)).toEqual({ kind: "uninjected", pod });
  });

  test("a list that Istio has added to loses what is ours, and keeps the rest", () => {
    const pod = { metadata: { annotations: { [istioKey]: "1234" } }, spec: { containers } };
    const context = buildContext({ namespace: istioNamespace });
    const left = uninject(addIstio(injected(pod, context).pod, { cni: true }));
    expect(left).toMatchObject({
      pod: { metadata: { annotations: { [istioKey]: "1234,15020" } } },
    });
  });
});

const hbone = (pod: Pod): Pod => ({
  ...pod,
  spec: {
    ...pod.spec,
    containers: pod.spec.containers.map((one) =>
      one.name === "istio-proxy"
        ? { ...one, env: [{ name: "ISTIO_META_ENABLE_HBONE", value: "true" }] }
        : one,
    ),
  },
});

describe("warnings", () => {
  const app = { name: "app", ports: [{ containerPort: 3000 }] };
  const plainText = { labels: { "security.istio.io/tlsMode": "disabled" } };
  const allow = buildSettings({ unlistedPorts: "allow" });
  const inService = buildSettings({ mode: "service" });
  const ambient = { ...namespace, labels: { ...labels, "istio.io/dataplane-mode": "ambient" } };
  const include = "traffic.sidecar.istio.io/includeInboundPorts";
  const skip = "traffic.sidecar.istio.io/excludeInboundPorts";
  const cases: readonly (readonly [
    title: string,
    pod: Pod,
    context: Partial<InjectionContext>,
    expected: readonly string[],
  ])[] = [
    ["Istio as it should be", meta(plainText), { namespace: istioNamespace }, []],
    ["mutual TLS", meta({}), { namespace: istioNamespace }, ["mesh_encrypts_requests 3000"]],
    [
      "Istio before, without our ports",
      addIstio(meta(plainText)),
      {},
      ["mesh_misses_ports 3000, 8080, 9090"],
    ],
    [
      "Istio before, with some",
      addIstio(meta({ ...plainText, annotations: { [skip]: "3000,8080" } })),
      {},
      ["mesh_misses_ports 9090"],
    ],
    ["CNI before: the annotation will do", addIstio(meta(plainText), { cni: true }), {}, []],
    [
      "ports that Istio is to take",
      meta({ ...plainText, annotations: { [include]: "3000,9090" } }),
      { namespace: istioNamespace },
      ["mesh_bypasses_bouncer 3000"],
    ],
    [
      "and has taken",
      addIstio(meta({ ...plainText, annotations: { [include]: "3000,9090" } })),
      {},
      ["mesh_misses_ports 3000, 9090", "mesh_bypasses_bouncer 3000"],
    ],
    [
      "other ports that Istio is to take",
      addIstio(meta({ ...plainText, annotations: { [include]: "4000" } })),
      {},
      [],
    ],
    [
      "Istio with an open tunnel",
      hbone(addIstio(meta({ ...plainText, annotations: { [skip]: "3000,8080,9090" } }))),
      { settings: allow },
      ["mesh_bypasses_bouncer 15008"],
    ],
    [
      "Istio with a closed tunnel",
      hbone(addIstio(meta({ ...plainText, annotations: { [skip]: "3000,8080,9090" } }))),
      {},
      [],
    ],
    [
      "a range too wide for Istio",
      meta(plainText),
      { namespace: istioNamespace, settings: buildSettings({ excludedPorts: ["20000-30000"] }) },
      ["mesh_misses_ports 20000-30000"],
    ],
    [
      "metrics that Istio's agent gives away",
      meta({ ...plainText, annotations: { "prometheus.io/scrape": "true" } }),
      { namespace: istioNamespace },
      ["mesh_bypasses_bouncer 15020"],
    ],
    [
      "Istio in service mode",
      meta({}),
      { namespace: istioNamespace, settings: inService },
      ["mesh_bypasses_bouncer 3000"],
    ],
    [
      "Istio before in service mode",
      addIstio(meta({})),
      { settings: inService },
      ["mesh_misses_ports 9090", "mesh_bypasses_bouncer 3000"],
    ],
    ["ambient", meta({}), { namespace: ambient }, ["mesh_encrypts_requests 15008"]],
    [
      "ambient and open",
      meta({}),
      { namespace: ambient, settings: allow },
      ["mesh_bypasses_bouncer 15008"],
    ],
    [
      "ambient and excluded",
      meta({}),
      { namespace: ambient, settings: buildSettings({ excludedPorts: [15_008] }) },
      ["mesh_bypasses_bouncer 15008"],
    ],
    [
      "ambient in service mode",
      meta({}),
      { namespace: ambient, settings: inService },
      ["mesh_bypasses_bouncer 3000"],
    ],
    ["Linkerd as it should be", meta({}), { namespace: linkerdNamespace }, []],
    ["Linkerd before", addLinkerd(meta({})), {}, ["mesh_misses_ports 3000, 8080, 9090"]],
    [
      "Linkerd before, with ranges that hold ours",
      addLinkerd(
        meta({ annotations: { "config.linkerd.io/skip-inbound-ports": "3000-3010,8000-9999" } }),
      ),
      {},
      [],
    ],
    [
      "Linkerd and open",
      meta({}),
      { namespace: linkerdNamespace, settings: allow },
      ["mesh_bypasses_bouncer 4143"],
    ],
    [
      "a step of the mesh may change rules",
      addLinkerd(
        meta({ annotations: { "config.linkerd.io/skip-inbound-ports": "3000,8080,9090" } }),
      ),
      {},
      [],
    ],
    ["Vault", addVault(meta({})), {}, []],
  ];
  function meta(metadata: Metadata): Pod {
    return { metadata, spec: { containers: [app] } };
  }
  test.each(cases)("%s", (_, pod, given, expected) => {
    const { warnings } = injected(pod, buildContext(given));
    expect(warnings.map(({ code }) => code)).toEqual(expected.map((one) => one.split(" ")[0]));
    warnings.forEach(({ message }, index) => {
      expect(message).toContain(expected[index]?.replace(/^\w+ /, ""));
    });
  });
});

test.each([
  ["Vault's agent", "vault-agent"],
  ["Istio's proxy", "istio-proxy"],
  ["Linkerd's proxy", "linkerd-proxy"],
])("%s is not what kubectl is to mean", (_, first) => {
  const { pod } = injected(
    { spec: { containers: [{ name: first }, { name: "app" }] } },
    buildContext(),
  );
  expect(pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"]).toBe("app");
});
