/**
 * The fields of a Pod that the injector reads, checked before anything relies on them. Everything
 * else passes through untouched: a pod is never rebuilt from these schemas. Fields may be absent or
 * null, as in manifests. Pure.
 */
import * as v from "valibot";

const text = v.string("text");
const number = v.number("a number");
const flag = v.boolean("true or false");
const anObject = "an object";
const aList = "a list";

const stringMap = v.record(v.string(), v.string("text (quote the value)"), anObject);

/** A number, or the name of a port of the same container. */
const portReference = v.union([v.number(), v.string()], "a port number or the name of a port");

const header = v.object({ name: text, value: v.nullish(text) }, anObject);

const httpGet = v.object(
  {
    port: portReference,
    path: v.nullish(text),
    scheme: v.nullish(text),
    host: v.nullish(text),
    httpHeaders: v.nullish(v.array(header, aList)),
  },
  anObject,
);
const tcpSocket = v.object({ port: portReference, host: v.nullish(text) }, anObject);
const grpc = v.object({ port: number, service: v.nullish(text) }, anObject);

const handlerEntries = {
  exec: v.nullish(v.unknown()),
  sleep: v.nullish(v.unknown()),
  httpGet: v.nullish(httpGet),
  tcpSocket: v.nullish(tcpSocket),
  grpc: v.nullish(grpc),
};
const handler = v.nullish(v.object(handlerEntries, anObject));
const probe = v.nullish(
  v.object({ ...handlerEntries, timeoutSeconds: v.nullish(number) }, anObject),
);

const containerPort = v.object(
  { containerPort: number, name: v.nullish(text), protocol: v.nullish(text) },
  anObject,
);

const envVar = v.object(
  { name: text, value: v.nullish(text), valueFrom: v.nullish(v.unknown()) },
  anObject,
);

const toleration = v.object({ key: v.nullish(text) }, anObject);

const capabilities = v.object(
  { add: v.nullish(v.array(text, aList)), drop: v.nullish(v.unknown()) },
  anObject,
);
const securityContext = v.object(
  { privileged: v.nullish(flag), capabilities: v.nullish(capabilities) },
  anObject,
);

const volumeMount = v.object(
  { name: v.nullish(text), mountPath: v.nullish(text), readOnly: v.nullish(flag) },
  anObject,
);

const container = v.object(
  {
    name: text,
    env: v.nullish(v.array(envVar, aList)),
    ports: v.nullish(v.array(containerPort, aList)),
    restartPolicy: v.nullish(text),
    args: v.nullish(v.array(text, aList)),
    securityContext: v.nullish(securityContext),
    volumeMounts: v.nullish(v.array(volumeMount, aList)),
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    lifecycle: v.nullish(v.object({ postStart: handler, preStop: handler }, anObject)),
  },
  anObject,
);

const named = v.object({ name: text }, anObject);

const ownerReference = v.object(
  { kind: text, name: v.nullish(text), uid: v.nullish(text), controller: v.nullish(flag) },
  anObject,
);

const metadata = v.object(
  {
    name: v.nullish(text),
    namespace: v.nullish(text),
    labels: v.nullish(stringMap),
    annotations: v.nullish(stringMap),
    ownerReferences: v.nullish(v.array(ownerReference, aList)),
  },
  anObject,
);

const spec = v.object(
  {
    containers: v.array(container, aList),
    initContainers: v.nullish(v.array(container, aList)),
    volumes: v.nullish(v.array(named, aList)),
    imagePullSecrets: v.nullish(v.array(v.object({ name: v.nullish(text) }, anObject), aList)),
    hostNetwork: v.nullish(flag),
    hostPID: v.nullish(flag),
    shareProcessNamespace: v.nullish(flag),
    tolerations: v.nullish(v.array(toleration, aList)),
    restartPolicy: v.nullish(text),
    terminationGracePeriodSeconds: v.nullish(number),
    nodeSelector: v.nullish(stringMap),
    os: v.nullish(v.object({ name: v.nullish(text) }, anObject)),
  },
  anObject,
);

/** A Pod, or the template of a workload: the same two fields. */
const podSchema = v.object({ metadata: v.nullish(metadata), spec }, anObject);

export type Pod = v.InferInput<typeof podSchema>;
export type Metadata = v.InferInput<typeof metadata>;
export type PodSpec = v.InferInput<typeof spec>;
export type Container = v.InferInput<typeof container>;
export type ProbeSpec = NonNullable<v.InferInput<typeof probe>>;
export type Handler = NonNullable<v.InferInput<typeof handler>>;
export type PortReference = v.InferInput<typeof portReference>;
export type StringMap = Readonly<Record<string, string>>;

export type CheckedPod =
  | { readonly ok: true; readonly pod: Pod }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The value itself, when it is a pod as far as the injector is concerned. */
export function checkPod(value: unknown): CheckedPod {
  if (v.is(podSchema, value)) return { ok: true, pod: value };
  const issues = v.safeParse(podSchema, value).issues ?? [];
  return { ok: false, problems: issues.map(problemOf) };
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "the pod";
  if (issue.received === "undefined") return `${path}: missing`;
  return `${path}: ${shorten(JSON.stringify(issue.input))} is not ${issue.message}`;
}

const shorten = (value: string): string => (value.length > 80 ? `${value.slice(0, 77)}...` : value);
