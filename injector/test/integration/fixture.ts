/** A webhook on free ports against a fake API, and an HTTPS client that trusts what the API server would. */
import { request as httpsRequest } from "node:https";
import type { Agent } from "node:https";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createIdentity } from "bouncer-certs/key-pair";
import jsonPatch from "fast-json-patch";
import type { Operation } from "fast-json-patch";
import { pino } from "pino";
import * as v from "valibot";
import type { Config } from "../../src/config.ts";
import { buildPatch } from "../../src/inject/patch.ts";
import { inject } from "../../src/inject/pod.ts";
import { systemTimer } from "../../src/loop.ts";
import { startWebhook } from "../../src/webhook.ts";
import type { Webhook, WebhookWorld } from "../../src/webhook.ts";
import { startFakeApi } from "./fake-api.ts";
import type { FakeApi, KubeObject } from "./fake-api.ts";

export const paths = {
  secret: "/api/v1/namespaces/bouncer-system/secrets/injector-tls",
  bridgeSecret: "/api/v1/namespaces/bouncer-system/secrets/bridge-tls",
  webhook: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/bouncer-injector",
  lease: "/apis/coordination.k8s.io/v1/namespaces/bouncer-system/leases/bouncer-injector",
  namespace: (name: string) => `/api/v1/namespaces/${name}`,
  events: (namespace: string) => `/api/v1/namespaces/${namespace}/events`,
  pod: (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/pods/${name}`,
} as const;

export const serverName = "bouncer-injector.bouncer-system.svc";

export const config: Config = {
  namespace: "bouncer-system",
  service: "bouncer-injector",
  webhookConfiguration: "bouncer-injector",
  tlsSecret: "injector-tls",
  bridge: { service: "bouncer-injector-bridge", tlsSecret: "bridge-tls" },
  clusterDomain: "cluster.local",
  port: 0,
  adminPort: 0,
  settingsFile: "settings.yaml",
  drainDelayMs: 0,
  drainTimeoutMs: 5000,
  events: true,
  lease: "bouncer-injector",
  reconcileIntervalMs: 0,
  evictUnprotected: false,
  evictionsPerInterval: 1,
  serviceAccountFolder: "/nonexistent",
  logLevel: "info",
};

export const settings = `
image: bouncer:test
policy:
  bundleUrl: https://bouncer-injector-bridge.bouncer-system.svc:8443/bundles/policy.tar.gz
  syncUrl: wss://bouncer-injector-bridge.bouncer-system.svc:8443/v1/sync
`;

/** What the chart and a user have created before the first replica starts. */
export async function startCluster(): Promise<FakeApi> {
  const api = await startFakeApi();
  api.put(paths.secret, { type: "Opaque" });
  api.put(paths.bridgeSecret, { type: "Opaque" });
  api.put(paths.webhook, {
    webhooks: [{ name: "injector.bouncer.dev", clientConfig: { service: { name: "x" } } }],
  });
  api.put(paths.namespace("shop"), {
    metadata: { labels: { "bouncer-injection": "enabled" } },
  });
  return api;
}

const anyObject = v.record(v.string(), v.unknown());
export type LogLine = v.InferOutput<typeof anyObject>;

export interface Replica extends Webhook {
  readonly lines: readonly LogLine[];
}

export async function startReplica(
  api: FakeApi,
  world: Partial<WebhookWorld> = {},
  changed: Partial<Config> = {},
): Promise<Replica> {
  const lines: LogLine[] = [];
  const log = pino({}, { write: (line: string) => lines.push(parseJson(anyObject, line)) });
  const webhook = await startWebhook(
    { ...config, ...changed },
    {
      apiServer: api.apiServer,
      readFile: async () => settings,
      createIdentity,
      createAdminToken: () => "t".repeat(43),
      inject,
      buildPatch,
      version: "0.0.0-test",
      identity: "replica",
      now: Date.now,
      monotonic: () => performance.now(),
      timer: systemTimer,
      log,
      ...world,
    },
  );
  return { ...webhook, lines };
}

function parseJson<T>(schema: v.GenericSchema<unknown, T>, json: string): T {
  return v.parse(schema, JSON.parse(json));
}

const webhookSchema = v.object({
  webhooks: v.tuple([v.object({ clientConfig: v.object({ caBundle: v.optional(v.string()) }) })]),
});

/** The authorities that the API server trusts now; undefined before the first patch. */
export function caBundle(api: FakeApi): string | undefined {
  const [entry] = v.parse(webhookSchema, api.get(paths.webhook)).webhooks;
  const encoded = entry.clientConfig.caBundle;
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}

const secretSchema = v.object({ data: v.optional(v.record(v.string(), v.string()), {}) });

export function secretData(secret: KubeObject | undefined): Record<string, string> {
  const { data } = v.parse(secretSchema, secret);
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

/** Resolves when /ready is 200: asked again after each write to the API. */
export async function ready(replica: Webhook): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${replica.adminPort}/ready`);
    await response.body?.cancel();
    if (response.status === 200) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function metricsOf(replica: Webhook): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${replica.adminPort}/metrics`);
  return response.text();
}

/** Resolves when the metrics have this line; asked again and again. */
export async function measured(replica: Webhook, line: string): Promise<void> {
  while (!(await metricsOf(replica)).split("\n").includes(line)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface PostOptions {
  readonly ca: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly method?: string;
  readonly agent?: Agent;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** Verifies the certificate as the API server does: by caBundle and the Service's name. */
export function post(port: number, body: string | Buffer, options: PostOptions): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const request = httpsRequest(
    {
      host: "127.0.0.1",
      port,
      servername: serverName,
      ca: options.ca,
      method: options.method ?? "POST",
      path: options.path ?? "/mutate?timeout=5s",
      headers: { "content-type": "application/json", ...options.headers },
      ...(options.agent === undefined ? {} : { agent: options.agent }),
    },
    (response) => {
      const { statusCode: status = 0, headers } = response;
      text(Readable.from(response)).then(
        (received) =>
          resolve({ status, headers, body: received === "" ? "" : JSON.parse(received) }),
        reject,
      );
    },
  );
  request.on("error", reject);
  request.end(body);
  return promise;
}

export const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "orders-" },
  spec: {
    containers: [{ name: "app", image: "orders:1", ports: [{ containerPort: 3000 }] }],
  },
} as const;

export function review(request: object = {}, envelope: object = {}): string {
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "7f1c",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      namespace: "shop",
      operation: "CREATE",
      dryRun: false,
      object: pod,
      ...request,
    },
    ...envelope,
  });
}

const responseSchema = v.object({
  response: v.looseObject({
    uid: v.string(),
    allowed: v.boolean(),
    patch: v.exactOptional(v.string()),
    status: v.exactOptional(v.looseObject({ code: v.number(), message: v.string() })),
  }),
});

export type AdmissionResponse = v.InferOutput<typeof responseSchema>["response"];

export function responseOf(reply: Reply): AdmissionResponse {
  return v.parse(responseSchema, reply.body).response;
}

const operationsSchema = v.custom<Operation[]>((value) => Array.isArray(value));
const podSchema = v.looseObject({
  spec: v.looseObject({
    initContainers: v.array(
      v.looseObject({ name: v.string(), env: v.optional(v.array(v.unknown()), []) }),
    ),
  }),
});

/** The pod as the API server would store it. */
export function patchedPod(reply: Reply): v.InferOutput<typeof podSchema> {
  const patch = Buffer.from(responseOf(reply).patch ?? "", "base64").toString();
  const original: unknown = structuredClone(pod);
  const { newDocument } = jsonPatch.applyPatch(original, parseJson(operationsSchema, patch));
  return v.parse(podSchema, newDocument);
}
