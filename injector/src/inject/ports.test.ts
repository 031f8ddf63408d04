import { formatListeners } from "bouncer/contract";
import { expect, test } from "vitest";
import { table } from "../annotations/table.ts";
import { formatPortRange } from "../settings/value.ts";
import type { Container, Pod } from "./kubernetes.ts";
import { type ChosenPorts, planPorts } from "./ports.ts";

interface Chosen {
  readonly app?: string;
  readonly excluded?: string;
  readonly opaque?: string;
  readonly protocols?: string;
  readonly secret?: string;
  readonly tls?: string;
}

const items = (text: string) => table.appPorts.parse(text) ?? [];

const annotationsOf = ({ app, excluded, opaque, protocols, secret, tls }: Chosen) => ({
  ...(app !== undefined && { [table.appPorts.name]: app }),
  ...(excluded !== undefined && { [table.excludedPorts.name]: excluded }),
  ...(opaque !== undefined && { [table.opaquePorts.name]: opaque }),
  ...(protocols !== undefined && { [table.appProtocols.name]: protocols }),
  ...(secret !== undefined && { [table.tlsSecret.name]: secret }),
  ...(tls !== undefined && { [table.tlsPorts.name]: tls }),
});

/** As chosen by the pod's own annotations. */
function plan(pod: Pod, chosen: Chosen = {}): string {
  const annotations = { ...pod.metadata?.annotations, ...annotationsOf(chosen) };
  return planAs({ ...pod, metadata: { ...pod.metadata, annotations } }, chosen);
}

/** As chosen by the namespace. */
function planAs(pod: Pod, chosen: Chosen): string {
  const { app, excluded, opaque, protocols, secret, tls } = chosen;
  const planned = planPorts(pod, {
    appPorts: app === undefined ? null : items(app),
    excludedPorts: excluded === undefined ? [] : items(excluded),
    opaquePorts: opaque === undefined ? [] : items(opaque),
    appProtocols: table.appProtocols.parse(protocols ?? "") ?? [],
    tlsSecret: secret ?? null,
    tlsPorts: tls === undefined ? null : items(tls),
  });
  if (planned.kind === "refused") return planned.problems.join("; ");
  const { listeners, adminPort, ...more } = planned.plan;
  const open = more.excluded.map(formatPortRange);
  return [
    `${formatListeners(listeners)} admin ${adminPort}`,
    ...(open.length > 0 ? [`open ${open.join(",")}`] : []),
    ...(more.opaque.length > 0 ? [`opaque ${more.opaque.join(",")}`] : []),
    ...[...more.protocols].map(([port, protocol]) => `${port} ${protocol}`),
    ...(more.tls.length > 0 ? [`tls ${more.tls.join(",")}`] : []),
  ].join(" ");
}

const podOf = (...containers: Omit<Container, "name">[]): Pod => ({
  spec: { containers: containers.map((fields, index) => ({ name: `c${index}`, ...fields })) },
});
const tcp = (...ports: number[]) => ({ ports: ports.map((containerPort) => ({ containerPort })) });

test.each<readonly [string, Pod, string]>([
  ["no port", podOf({}), "none admin 9090"],
  ["one port", podOf(tcp(3000)), "8080:3000 admin 9090"],
  [
    "several, in their order",
    podOf(tcp(9000, 3000), tcp(80)),
    "8080:9000,15001:3000,15002:80 admin 9090",
  ],
  ["each port once", podOf(tcp(3000, 3000), tcp(3000)), "8080:3000 admin 9090"],
  ["an app on 8080", podOf(tcp(8080)), "15001:8080 admin 9090"],
  ["8080 is a second port", podOf(tcp(3000, 8080)), "15001:3000,15002:8080 admin 9090"],
  ["an app on our next ports", podOf(tcp(1, 15_001, 2)), "8080:1,15002:15001,15003:2 admin 9090"],
  ["an app on 9090 and 9091", podOf(tcp(9090, 9091)), "8080:9090,15001:9091 admin 9092"],
  [
    "TCP only, which is the default",
    podOf({
      ports: [
        { containerPort: 53, protocol: "UDP" },
        { containerPort: 54, protocol: "TCP" },
        { containerPort: 55, protocol: null },
        { containerPort: 56, protocol: "SCTP" },
      ],
    }),
    "8080:54,15001:55 admin 9090",
  ],
  [
    "probes and hooks count",
    podOf({
      ports: [{ name: "http", containerPort: 3000 }],
      livenessProbe: { httpGet: { port: "http" } },
      readinessProbe: { tcpSocket: { port: 4000 } },
      startupProbe: { grpc: { port: 5000 } },
      lifecycle: { preStop: { httpGet: { port: "6000" } } },
    }),
    "8080:3000,15001:4000,15002:5000,15003:6000 admin 9090",
  ],
  [
    "not those that cannot be resolved, go elsewhere or stay inside",
    podOf({
      livenessProbe: { httpGet: { port: "undeclared" } },
      readinessProbe: { tcpSocket: { port: 4000, host: "192.0.2.1" } },
      startupProbe: { exec: { command: [] } },
    }),
    "none admin 9090",
  ],
  [
    "Prometheus counts",
    { metadata: { annotations: { "prometheus.io/port": "9100" } }, ...podOf(tcp(80)) },
    "8080:80,15001:9100 admin 9090",
  ],
  [
    "an unreadable prometheus.io/port does not",
    { metadata: { annotations: { "prometheus.io/port": "metrics" } }, ...podOf(tcp(80)) },
    "8080:80 admin 9090",
  ],
  [
    "native sidecars count, other init containers do not",
    {
      spec: {
        containers: [{ name: "app", ...tcp(80) }],
        initContainers: [
          { name: "migrate", ...tcp(81) },
          { name: "proxy", restartPolicy: "Always", ...tcp(82) },
        ],
      },
    },
    "8080:80,15001:82 admin 9090",
  ],
  ["ports that are none", podOf(tcp(0, 65_536, -1)), "none admin 9090"],
])("%s", (_, pod, expected) => {
  expect(plan(pod)).toBe(expected);
});

const named = podOf({
  ports: [
    { name: "http", containerPort: 3000 },
    { name: "debug", containerPort: 9229 },
    { name: "dns", containerPort: 53, protocol: "UDP" },
  ],
});

test.each([
  ["a number", "4000", "8080:4000 admin 9090"],
  ["a name", "http", "8080:3000 admin 9090"],
  ["a range and a name", "8000-8002,http", "8080:8000,15001:8001,15002:8002,15003:3000 admin 9090"],
  ["the same twice", "http,3000", "8080:3000 admin 9090"],
  ["ours move for what is not chosen, too", "9090", "8080:9090 admin 9091"],
  [
    "names of no TCP port",
    "http,web,dns",
    `annotation bouncer.dev/app-ports: "web" is not the name of a TCP port of a container; annotation bouncer.dev/app-ports: "dns" is not the name of a TCP port of a container`,
  ],
  ["a range too wide", "1-257", "the pod has 257 app ports, the bouncer listens for 256 at most"],
])("chosen: %s", (_, chosen, expected) => {
  expect(plan(named, { app: chosen })).toBe(expected);
});

test("the widest range that is allowed", () => {
  expect(plan(named, { app: "1-256" })).toMatch(/^8080:1,15001:2,.*,15255:256 admin 9090$/);
});

test.each<readonly [string, Chosen, string]>([
  [
    "excluded ports are open and no app ports",
    { excluded: "debug" },
    "8080:3000 admin 9090 open 9229",
  ],
  [
    "excluded ranges are not ours to take",
    { excluded: "9229,8080,9000-9100" },
    "15001:3000 admin 9101 open 9229,8080,9000-9100",
  ],
  [
    "excluding every app port",
    { excluded: "1-65535" },
    "annotation bouncer.dev/excluded-ports: it excludes every app port, so nothing would be decided",
  ],
  [
    "an excluded port that nobody has",
    { excluded: "web" },
    `annotation bouncer.dev/excluded-ports: "web" is not the name of a TCP port of a container`,
  ],
  ["opaque ports", { opaque: "debug" }, "8080:3000,15001:9229 admin 9090 opaque 9229"],
  [
    "opaque ports that are no app ports",
    { app: "http", opaque: "debug,5432" },
    "annotation bouncer.dev/opaque-ports: 9229, 5432 is not among the app ports",
  ],
  [
    "protocols, by number and by name",
    { protocols: "http=http1,9229=h2c" },
    "8080:3000,15001:9229 admin 9090 3000 http1 9229 h2c",
  ],
  [
    "a protocol of a port that is none",
    { protocols: "http=h2c,9000=h2c" },
    "annotation bouncer.dev/app-protocols: 9000 is not among the app ports, or is an opaque one",
  ],
  [
    "a protocol of a range that not all of it has",
    { protocols: "3000-3001=h2c" },
    "annotation bouncer.dev/app-protocols: 3000-3001 is not among the app ports, or is an opaque one",
  ],
  [
    "a protocol of an opaque port",
    { opaque: "debug", protocols: "debug=h2c" },
    "annotation bouncer.dev/app-protocols: debug is not among the app ports, or is an opaque one",
  ],
  [
    "two protocols of one port",
    { protocols: "http=h2c,3000=http1" },
    "annotation bouncer.dev/app-protocols: port 3000 is both h2c and http1",
  ],
  [
    "TLS on every port that is not opaque",
    { secret: "orders", opaque: "debug" },
    "8080:3000,15001:9229 admin 9090 opaque 9229 tls 3000",
  ],
  [
    "TLS on the ports that are named",
    { secret: "orders", tls: "debug" },
    "8080:3000,15001:9229 admin 9090 tls 9229",
  ],
  [
    "TLS on a port that is none",
    { secret: "orders", tls: "8443" },
    "annotation bouncer.dev/tls-ports: 8443 is not among the app ports, or is an opaque one",
  ],
  [
    "a certificate for nobody",
    { secret: "orders", opaque: "http,debug" },
    "annotation bouncer.dev/tls-secret: there is no app port whose clients are to speak TLS",
  ],
])("%s", (_, chosen, expected) => {
  expect(plan(named, chosen)).toBe(expected);
});

const nothingChosen: ChosenPorts = {
  appPorts: null,
  excludedPorts: [],
  opaquePorts: [],
  appProtocols: [],
  tlsSecret: null,
  tlsPorts: null,
};

test("the ports of a mesh's proxies are not taken", () => {
  const pod = { spec: { containers: [{ name: "app", ...tcp(80, 81) }] } };
  const reserved = [{ first: 15_000, last: 15_099 }];
  const planned = planPorts(pod, nothingChosen, reserved);
  expect(planned).toMatchObject({
    plan: {
      listeners: [
        { port: 8080, targetPort: 80 },
        { port: 15_100, targetPort: 81 },
      ],
    },
  });
});

test.each<readonly [string, Chosen, string]>([
  ["a name that this pod does not have", { app: "web,http" }, "8080:3000 admin 9090"],
  ["every port excluded", { excluded: "3000,debug" }, "none admin 9090 open 3000,9229"],
  [
    "protocols and TLS of other pods",
    { protocols: "grpc=h2c,9000=h2c,http=http1", secret: "s", tls: "8443,https" },
    "8080:3000,15001:9229 admin 9090 3000 http1",
  ],
  [
    "opaque ports of other pods",
    { opaque: "5432,debug" },
    "8080:3000,15001:9229 admin 9090 opaque 9229",
  ],
])("what a namespace names is for those of its pods that have it: %s", (_, chosen, expected) => {
  expect(planAs(named, chosen)).toBe(expected);
});
