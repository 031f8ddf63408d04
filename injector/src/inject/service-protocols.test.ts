import * as fc from "fast-check";
import { expect, test } from "vitest";
import { buildContext } from "../../test/support/context.ts";
import { type ServiceFacts, unknownCluster } from "./injection.ts";
import type { Pod } from "./kubernetes.ts";
import { formatSpoken, parseSpoken } from "./protocols.ts";
import { inject } from "./pod.ts";

const ports = [
  { name: "http", containerPort: 3000 },
  { name: "grpc", containerPort: 9000 },
];

const podWith = (annotations: Readonly<Record<string, string>>): Pod => ({
  metadata: { labels: { app: "orders", tier: "shop" }, annotations },
  spec: { containers: [{ name: "orders", ports }] },
});

type Port = ServiceFacts["ports"][number];

const service = (
  port: Partial<Port>,
  selector: ServiceFacts["selector"] = { app: "orders" },
): ServiceFacts => ({
  name: "orders",
  selector,
  ports: [{ port: 80, targetPort: "grpc", protocol: "TCP", appProtocol: null, ...port }],
});

interface Said {
  readonly protocols: string | undefined;
  readonly warnings: readonly string[];
}

const codes = ["port_may_be_opaque", "app_protocol_unclear"];

function read(
  pod: Pod,
  services: readonly ServiceFacts[] | null,
  annotations: Readonly<Record<string, string>> = {},
): Said & { readonly pod: Pod } {
  const namespace = { ...buildContext().namespace, annotations };
  const cluster = { ...unknownCluster, services };
  const injection = inject(pod, buildContext({ namespace, cluster }));
  if (injection.kind !== "inject") throw new Error(JSON.stringify(injection));
  const containers = [...(injection.pod.spec.initContainers ?? [])];
  const sidecar = containers.find(({ name }) => name === "bouncer-sidecar");
  return {
    protocols: sidecar?.env?.find(({ name }) => name === "APP_PROTOCOLS")?.value ?? undefined,
    warnings: injection.warnings
      .filter(({ code }) => codes.includes(code))
      .map(({ code, message }) => `${code}: ${message.split(": ", 1)[0]}`),
    pod: injection.pod,
  };
}

type Row = readonly [
  name: string,
  services: readonly ServiceFacts[],
  protocols: string | undefined,
];
const rows: readonly Row[] = [
  ["nothing", [], undefined],
  ["a Service that does not say", [service({})], undefined],
  ["h2c", [service({ appProtocol: "kubernetes.io/h2c" })], "9000:h2c"],
  ["gRPC, as meshes write it", [service({ appProtocol: "grpc" })], "9000:h2c"],
  ["HTTP", [service({ appProtocol: "http", targetPort: 3000 })], "3000:http1"],
  ["WebSocket", [service({ appProtocol: "kubernetes.io/ws", targetPort: 3000 })], "3000:http1"],
  ["what nobody knows", [service({ appProtocol: "example.com/custom" })], undefined],
  ["a name that every object has", [service({ appProtocol: "constructor" })], undefined],
  ["a port of UDP", [service({ appProtocol: "kubernetes.io/h2c", protocol: "UDP" })], undefined],
  ["a port that nobody decides", [service({ appProtocol: "http", targetPort: 1 })], undefined],
  [
    "a Service for other pods",
    [service({ appProtocol: "kubernetes.io/h2c" }, { app: "others" })],
    undefined,
  ],
  ["a Service without a selector", [service({ appProtocol: "kubernetes.io/h2c" }, {})], undefined],
  [
    "two Services that agree, each about a port",
    [
      service({ appProtocol: "http", targetPort: 3000 }),
      service({ appProtocol: "kubernetes.io/h2c" }),
      service({ appProtocol: "grpc", targetPort: 9000 }, { tier: "shop" }),
    ],
    "3000:http1,9000:h2c",
  ],
];

test.each(rows)("%s", (_, services, protocols) => {
  expect(read(podWith({}), services)).toMatchObject({ protocols, warnings: [] });
});

test("Services that contradict each other say nothing, and a warning says that", () => {
  const services = [
    service({ appProtocol: "kubernetes.io/h2c" }),
    service({ appProtocol: "http" }),
  ];
  expect(read(podWith({}), services)).toMatchObject({
    protocols: undefined,
    warnings: ["app_protocol_unclear: port 9000"],
  });
});

test.each(["tcp", "mysql", "https", "kubernetes.io/wss", "TLS"])(
  "%s is not what the bouncer reads",
  (appProtocol) => {
    const services = [service({ appProtocol })];
    const told = `port_may_be_opaque: Service orders, port 80 to 9000 with appProtocol ${appProtocol.toLowerCase()}`;
    expect(read(podWith({}), services)).toMatchObject({ protocols: undefined, warnings: [told] });
    const opaque = { "bouncer.dev/opaque-ports": "grpc" };
    expect(read(podWith({}), services, opaque).warnings).toEqual([]);
    const chosen = podWith({ "bouncer.dev/app-protocols": "grpc=auto" });
    expect(read(chosen, services).warnings).toEqual([]);
  },
);

test("TLS is right where the bouncer has the certificate", () => {
  const pod = podWith({ "bouncer.dev/tls-secret": "orders" });
  expect(read(pod, [service({ appProtocol: "https" })]).warnings).toEqual([]);
  expect(read(pod, [service({ appProtocol: "mysql" })]).warnings).toHaveLength(1);
});

const services = [service({ appProtocol: "kubernetes.io/h2c" })];

test("annotations go before Services, that of the pod before that of its namespace", () => {
  const key = "bouncer.dev/app-protocols";
  expect(read(podWith({}), services, { [key]: "9000=http1" }).protocols).toBe("9000:http1");
  expect(read(podWith({}), services, { [key]: "http=http1" }).protocols).toBe(
    "3000:http1,9000:h2c",
  );
  const own = podWith({ [key]: "grpc=auto" });
  expect(read(own, services, { [key]: "9000=http1" }).protocols).toBeUndefined();
});

test("in service mode the Service leads to the bouncer's port", () => {
  const annotations = { "bouncer.dev/mode": "service" };
  for (const targetPort of ["bouncer-2", 15_001]) {
    const leading = [service({ appProtocol: "grpc", targetPort })];
    expect(read(podWith({}), leading, annotations).protocols).toBe("9000:h2c");
  }
});

test("where Services cannot be asked, what they said when the pod was injected first holds", () => {
  expect(read(podWith({}), null).protocols).toBeUndefined();
  const { pod } = read(podWith({}), services);
  expect(read(pod, null)).toMatchObject({ protocols: "9000:h2c", pod });
  expect(read(pod, []).protocols).toBeUndefined();
  const opaque = { "bouncer.dev/opaque-ports": "grpc" };
  expect(read(pod, null, opaque).protocols).toBeUndefined();
});

test("what is written is read, and nothing else is", () => {
  const spoken = fc.record({
    port: fc.integer({ min: 1, max: 65_535 }),
    protocol: fc.constantFrom("http1" as const, "h2c" as const),
  });
  fc.assert(
    fc.property(fc.array(spoken), (all) => {
      expect(parseSpoken(formatSpoken(all))).toEqual(all);
    }),
  );
  expect(parseSpoken("9000:tcp,,x,1:h2c,2")).toEqual([{ port: 1, protocol: "h2c" }]);
});
