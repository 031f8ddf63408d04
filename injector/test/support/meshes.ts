/**
 * What the injectors of Istio, Linkerd and Vault make of a pod, as far as it concerns the bouncer:
 * their containers, volumes and annotations, and what they change of other containers.
 */
import { resolvePort } from "../../src/inject/handlers.ts";
import type { Container, Handler, Pod } from "../../src/inject/kubernetes.ts";

interface Volume {
  readonly name: string;
  readonly emptyDir: { readonly medium: string };
}

interface Added extends Container {
  readonly image: string;
}

interface Additions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly volumes: readonly Volume[];
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
}

function add(pod: Pod, given: Additions): Pod {
  const { metadata, spec } = pod;
  const { labels, annotations, volumes, initContainers, containers } = given;
  return {
    ...pod,
    metadata: {
      ...metadata,
      ...(labels && { labels: { ...metadata?.labels, ...labels } }),
      annotations: { ...metadata?.annotations, ...annotations },
    },
    spec: {
      ...spec,
      initContainers: [...initContainers],
      containers: [...containers],
      volumes: [...(spec.volumes ?? []), ...volumes],
    },
  };
}

const words = (text: string) => text.split(" ");

export interface IstioOptions {
  /** The proxy is an init container that goes on running. */
  readonly native?: boolean;
  /** A plugin makes the rules, which reads the annotations when the pod starts. */
  readonly cni?: boolean;
}

const skipKey = "traffic.sidecar.istio.io/excludeInboundPorts";

/** 15020 is its agent, which does the probes of the application's containers. */
export function addIstio(pod: Pod, { native = false, cni = false }: IstioOptions = {}): Pod {
  const given = pod.metadata?.annotations ?? {};
  const excluded = [...(given[skipKey] ?? "").split(","), "15020"].filter((item) => item !== "");
  const originals: Record<string, object> = {};
  const rewrite = (container: Container) => rewriteForIstio(container, originals);
  const inits = (pod.spec.initContainers ?? []).map(rewrite);
  const containers = pod.spec.containers.map(rewrite);
  const isMerged =
    given["prometheus.io/scrape"] === "true" &&
    given["prometheus.istio.io/merge-metrics"] !== "false";
  const scrape = {
    scrape: given["prometheus.io/scrape"],
    path: given["prometheus.io/path"],
    port: given["prometheus.io/port"],
  };
  const rules: Added = {
    name: cni ? "istio-validation" : "istio-init",
    image: "registry.example/istio/proxyv2:1.29.0",
    args: [
      "istio-iptables",
      ...words("-p 15001 -z 15006 -u 1337 -m REDIRECT -i *"),
      "-x",
      "",
      "-b",
      given["traffic.sidecar.istio.io/includeInboundPorts"] ?? "*",
      "-d",
      ["15090", "15021", ...excluded].join(","),
      ...(cni ? ["--run-validation", "--skip-rule-apply"] : []),
    ],
    securityContext: {
      capabilities: { drop: ["ALL"], ...(!cni && { add: ["NET_ADMIN", "NET_RAW"] }) },
    },
  };
  const proxy: Added = {
    name: "istio-proxy",
    image: "registry.example/istio/proxyv2:1.29.0",
    args: ["proxy", "sidecar"],
    ...(native && { restartPolicy: "Always" }),
    ports: [{ containerPort: 15_090, name: "http-envoy-prom", protocol: "TCP" }],
    env: [
      { name: "ISTIO_META_INTERCEPTION_MODE", value: "REDIRECT" },
      ...(isMerged
        ? [{ name: "ISTIO_PROMETHEUS_ANNOTATIONS", value: JSON.stringify(scrape) }]
        : []),
      ...(Object.keys(originals).length > 0
        ? [{ name: "ISTIO_KUBE_APP_PROBERS", value: JSON.stringify(originals) }]
        : []),
    ],
    startupProbe: { httpGet: { path: "/healthz/ready", port: 15_021 } },
    readinessProbe: { httpGet: { path: "/healthz/ready", port: 15_021 } },
    volumeMounts: [{ name: "istio-envoy", mountPath: "/etc/istio/proxy" }],
  };
  const first = native || cni ? [rules] : [];
  return add(pod, {
    labels: {
      "security.istio.io/tlsMode": pod.metadata?.labels?.["security.istio.io/tlsMode"] ?? "istio",
    },
    annotations: {
      "sidecar.istio.io/status": `{"containers":["istio-proxy"],"revision":"default"}`,
      "kubectl.kubernetes.io/default-container":
        given["kubectl.kubernetes.io/default-container"] ?? pod.spec.containers[0]?.name ?? "",
      ...(isMerged && {
        "prometheus.io/path": "/stats/prometheus",
        "prometheus.io/port": "15020",
      }),
      ...(cni && { [skipKey]: excluded.join(",") }),
    },
    volumes: [{ name: "istio-envoy", emptyDir: { medium: "Memory" } }],
    initContainers: [
      ...first,
      ...(native ? [proxy] : []),
      ...inits,
      ...(first.length === 0 ? [rules] : []),
    ],
    containers: native ? containers : [...containers, proxy],
  });
}

const istioPaths = {
  readinessProbe: "app-health/*/readyz",
  livenessProbe: "app-health/*/livez",
  startupProbe: "app-health/*/startupz",
  preStop: "app-lifecycle/*/prestopz",
  postStart: "app-lifecycle/*/poststartz",
} as const;

function rewriteForIstio(container: Container, originals: Record<string, object>): Container {
  function point<Kind extends Handler>(handler: Kind, field: keyof typeof istioPaths): Kind {
    const { httpGet, tcpSocket, grpc, ...rest } = handler;
    const target = httpGet ?? tcpSocket ?? grpc ?? null;
    if (target === null) return handler;
    const path = `/${istioPaths[field].replace("*", container.name)}`;
    const port = resolvePort(container, target.port);
    const kind =
      (httpGet ?? null) !== null ? "httpGet" : (tcpSocket ?? null) !== null ? "tcpSocket" : "grpc";
    if (port !== undefined) originals[path] = { [kind]: { ...target, port } };
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the same but for the action
    return { ...rest, httpGet: { path, port: 15_020, scheme: "HTTP" } } as Kind;
  }
  const { readinessProbe, livenessProbe, startupProbe, lifecycle } = container;
  const { preStop, postStart } = lifecycle ?? {};
  return {
    ...container,
    ...(readinessProbe && { readinessProbe: point(readinessProbe, "readinessProbe") }),
    ...(livenessProbe && { livenessProbe: point(livenessProbe, "livenessProbe") }),
    ...(startupProbe && { startupProbe: point(startupProbe, "startupProbe") }),
    ...(lifecycle && {
      lifecycle: {
        ...lifecycle,
        ...(preStop && { preStop: point(preStop, "preStop") }),
        ...(postStart && { postStart: point(postStart, "postStart") }),
      },
    }),
  };
}

export interface LinkerdOptions {
  readonly native?: boolean;
}

/** It changes nothing of other containers. 4190 is tap, 4191 its admin port. */
export function addLinkerd(pod: Pod, { native = false }: LinkerdOptions = {}): Pod {
  const skipped =
    pod.metadata?.annotations?.["config.linkerd.io/skip-inbound-ports"] ?? "4567,4568";
  const rules: Added = {
    name: "linkerd-init",
    image: "registry.example/linkerd/proxy-init:v2.4.3",
    args: [
      ...words("--incoming-proxy-port 4143 --outgoing-proxy-port 4140 --proxy-uid 2102"),
      "--inbound-ports-to-ignore",
      `4190,4191,${skipped}`,
      ...words("--outbound-ports-to-ignore 443,6443"),
    ],
    securityContext: { capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
  };
  const proxy: Added = {
    name: "linkerd-proxy",
    image: "registry.example/linkerd/proxy:edge-26.10.1",
    ...(native && { restartPolicy: "Always" }),
    ports: [
      { name: "linkerd-proxy", containerPort: 4143 },
      { name: "linkerd-admin", containerPort: 4191 },
    ],
    livenessProbe: { httpGet: { path: "/live", port: 4191 } },
    readinessProbe: { httpGet: { path: "/ready", port: 4191 } },
    ...(!native && {
      lifecycle: { postStart: { exec: { command: ["/usr/lib/linkerd/linkerd-await"] } } },
    }),
  };
  const inits = pod.spec.initContainers ?? [];
  return add(pod, {
    labels: { "linkerd.io/control-plane-ns": "linkerd" },
    annotations: { "linkerd.io/proxy-version": "edge-26.10.1" },
    volumes: [{ name: "linkerd-identity-end-entity", emptyDir: { medium: "Memory" } }],
    initContainers: native ? [rules, proxy, ...inits] : [...inits, rules],
    containers: native ? pod.spec.containers : [proxy, ...pod.spec.containers],
  });
}

export interface VaultOptions {
  /** `vault.hashicorp.com/agent-init-first` */
  readonly initFirst?: boolean;
}

/** It mounts the secrets into every container, ours as well. */
export function addVault(pod: Pod, { initFirst = false }: VaultOptions = {}): Pod {
  const secrets = { name: "vault-secrets", mountPath: "/vault/secrets" };
  const mount = (container: Container): Container => {
    return { ...container, volumeMounts: [...(container.volumeMounts ?? []), secrets] };
  };
  const agent = (name: string, home: string): Added => ({
    name,
    image: "registry.example/hashicorp/vault:1.21.0",
    args: ["echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent"],
    env: [{ name: "VAULT_CONFIG", value: "e30=" }],
    volumeMounts: [{ name: home, mountPath: "/home/vault" }, secrets],
  });
  const memory = { emptyDir: { medium: "Memory" } };
  const inits = (pod.spec.initContainers ?? []).map(mount);
  const fetchFirst = agent("vault-agent-init", "home-init");
  return add(pod, {
    annotations: { "vault.hashicorp.com/agent-inject-status": "injected" },
    volumes: ["home-init", "home-sidecar", "vault-secrets"].map((name) => ({ name, ...memory })),
    initContainers: initFirst ? [fetchFirst, ...inits] : [...inits, fetchFirst],
    containers: [...pod.spec.containers.map(mount), agent("vault-agent", "home-sidecar")],
  });
}
