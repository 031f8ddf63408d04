/** Pods as nobody writes them, but as the API server takes them. */
import * as fc from "fast-check";

/** Absent, null, or there. */
const maybe = <T>(there: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
    { weight: 3, arbitrary: there },
  );

/** As it arrives: plain objects, and nothing that is undefined. */
const asJson = (value: object): unknown => JSON.parse(JSON.stringify(value));

const record = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc
    .record(fields)
    .map((value) =>
      Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)),
    );

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "a/b",
    "~",
    "~0~1",
    "$(X)",
    "$$",
    "",
    "\u0000",
    "\u2028",
    "\ud800",
    "عربي",
    "e\u0301",
  ),
);
/** Also those that every object has already. */
const key = fc.oneof(
  fc.constantFrom("a/b", "~", "~1", "", "-", "0", "__proto__", "constructor", "toString", "toJSON"),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const portNumber = fc.oneof(
  fc.integer({ min: 1, max: 65_535 }),
  fc.constantFrom(8080, 9090, 9091, 15_001, 15_002, 3000),
);
const portName = fc.constantFrom(
  "http",
  "grpc",
  "metrics",
  "8080",
  "a-b-1",
  "__proto__",
  "HTTP",
  "",
);

const port = record({
  containerPort: portNumber,
  name: maybe(portName),
  protocol: maybe(fc.constantFrom("TCP", "UDP", "SCTP")),
  hostPort: maybe(portNumber),
});

/** More than there are places for, now and then. */
const manyPorts = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.constantFrom(30, 90, 300))
  .map(([first, count]) =>
    Array.from({ length: count }, (_, index) => ({ containerPort: first + index })),
  );

const reference = fc.oneof(portNumber, portName, fc.constantFrom("8080", "nowhere"));

const httpGet = record({
  port: reference,
  path: maybe(fc.constantFrom("/", "", "/live?x=1", "relative")),
  scheme: maybe(fc.constantFrom("HTTP", "HTTPS")),
  host: maybe(fc.constantFrom("", "192.0.2.1")),
  httpHeaders: maybe(fc.array(record({ name: fc.constant("X-Probe"), value: maybe(text) }))),
});

const actions = [
  record({ exec: fc.constant({ command: ["true"] }) }),
  record({ httpGet, exec: maybe(fc.constant(null)) }),
  record({ grpc: fc.constant(null), httpGet }),
  record({ tcpSocket: record({ port: reference, host: maybe(fc.constant("192.0.2.1")) }) }),
  record({ grpc: record({ port: portNumber, service: maybe(fc.constant("live")) }) }),
  record({ exec: fc.constant(null), httpGet: fc.constant(null), tcpSocket: fc.constant(null) }),
  record({}),
];

const probe = fc
  .tuple(
    record({ periodSeconds: maybe(fc.nat(60)), timeoutSeconds: maybe(fc.nat(60)) }),
    fc.oneof(...actions),
    record({ failureThreshold: maybe(fc.nat(60)) }),
  )
  .map(([before, action, after]) => ({ ...before, ...action, ...after }));

const hook = fc.oneof(...actions, fc.constant({ sleep: { seconds: 1 } }));

const unknownFields = fc.dictionary(
  fc.constantFrom("image", "command", "x-unknown", "__proto__", "constructor", "a/b~c"),
  fc.jsonValue(),
);

const container = fc
  .tuple(
    unknownFields,
    record({
      ports: maybe(fc.oneof(fc.array(port, { maxLength: 4 }), manyPorts)),
      env: maybe(
        fc.array(record({ name: fc.constant("A"), value: maybe(text) }), { maxLength: 2 }),
      ),
      livenessProbe: maybe(probe),
      readinessProbe: maybe(probe),
      startupProbe: maybe(probe),
      lifecycle: maybe(record({ postStart: maybe(hook), preStop: maybe(hook) })),
      volumeMounts: maybe(fc.constant([])),
    }),
  )
  .map(([unknown, known]) => ({ ...unknown, ...known }));

const init = fc
  .tuple(container, record({ restartPolicy: maybe(fc.constant("Always")) }))
  .map(([fields, policy]) => ({ ...fields, ...policy }));

const numbered = (items: readonly object[] | null | undefined, prefix: string) =>
  items?.map((item, index) => ({ name: `${prefix}-${index}`, ...item })) ?? items;

const annotations = fc
  .tuple(
    fc.dictionary(
      fc.constantFrom(
        "team",
        "prometheus.io/port",
        "kubectl.kubernetes.io/default-container",
        "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
        "sidecar.istio.io/inject",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "linkerd.io/inject",
        "config.linkerd.io/skip-inbound-ports",
        "vault.hashicorp.com/agent-inject",
      ),
      fc.oneof(text, fc.constantFrom("9090", "3001", "*", "true", "enabled", "80,443", "80-90")),
    ),
    fc.dictionary(key, text, { maxKeys: 3 }),
  )
  .map(([known, unknown]) => ({ ...unknown, ...known }));

const metadata = record({
  name: maybe(fc.constant("generated")),
  labels: maybe(
    fc.dictionary(fc.oneof(fc.constantFrom("app", "sidecar.istio.io/inject"), key), text, {
      maxKeys: 3,
    }),
  ),
  annotations: maybe(annotations),
});

export const arbitraryPod: fc.Arbitrary<unknown> = fc
  .tuple(
    record({ apiVersion: maybe(fc.constant("v1")), metadata: maybe(metadata) }),
    fc.tuple(
      fc.array(container, { minLength: 1, maxLength: 4 }),
      maybe(fc.array(init, { maxLength: 3 })),
    ),
    fc.record({
      volumes: maybe(fc.array(fc.constant({ emptyDir: {} }), { maxLength: 2 })),
      imagePullSecrets: maybe(
        fc.uniqueArray(fc.constantFrom("registry", "other"), { maxLength: 2 }),
      ),
      restartPolicy: maybe(fc.constantFrom("Always", "OnFailure", "Never")),
      terminationGracePeriodSeconds: maybe(fc.nat(300)),
      securityContext: maybe(fc.constant({ runAsNonRoot: true, runAsUser: 1 })),
    }),
  )
  .map(([outer, [containers, inits], { volumes, imagePullSecrets, ...rest }]) => ({
    ...outer,
    spec: {
      containers: numbered(containers, "app"),
      initContainers: numbered(inits, "init"),
      volumes: numbered(volumes, "volume"),
      imagePullSecrets: imagePullSecrets?.map((name) => ({ name })) ?? imagePullSecrets,
      ...rest,
    },
  }))
  .map(asJson);
