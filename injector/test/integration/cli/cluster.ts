/**
 * A cluster as the command line meets it: objects behind an API server of real sockets, logs, and
 * the pod proxy, which leads to real ports of this machine.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request as send } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import { listen } from "../../../src/server.ts";
import { adminToken } from "../../support/context.ts";

export interface Cluster {
  /** By path: `/api/v1/namespaces/shop/pods/web-1`. */
  readonly objects: Map<string, object>;
  /** Of this machine, for -f. */
  readonly files: Map<string, string>;
  /** By `NAME CONTAINER`. */
  readonly logs: Map<string, string>;
  /** Where a port of any pod really is; without an entry, it refuses connections. */
  readonly ports: Map<number, number>;
  /** Paths that the user has no right to. */
  forbidden: RegExp | null;
  /** Answers writes; the result is the status. */
  onWrite: (method: string, path: string, body: unknown) => number;
  /** `bouncer-injector ARGUMENTS --kubeconfig ...`. */
  run(...args: readonly string[]): Promise<Ran>;
  close(): Promise<void>;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const version = "1.2.3";

export async function startCluster(): Promise<Cluster> {
  const server = createServer((request, response) => {
    answer(request, response, cluster).catch(() => response.destroy());
  });
  const port = await listen(server, 0, (error) => {
    throw error;
  });
  const folder = await mkdtemp(join(tmpdir(), "cluster-"));
  const kubeconfig = join(folder, "config");
  const cluster: Cluster = {
    objects: new Map(),
    files: new Map(),
    logs: new Map(),
    ports: new Map(),
    forbidden: null,
    onWrite: () => 405,
    run: async (...args) => {
      const out: string[] = [];
      const err: string[] = [];
      const code = await runCommandLine([...args, "--kubeconfig", kubeconfig], {
        program: "kubectl bouncer",
        version,
        isTerminal: false,
        readFile: async (path) => new TextEncoder().encode(cluster.files.get(path) ?? ""),
        readStdin: async () => new Uint8Array(),
        writeStdout: (text) => out.push(text),
        writeStderr: (text) => err.push(text),
        createAdminToken: () => adminToken,
        now: Date.now,
      });
      return { code, stdout: out.join(""), stderr: err.join("") };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      clusters: [
        {
          name: "c",
          cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
        },
      ],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u", namespace: "shop" } }],
      "current-context": "c",
    }),
  );
  return cluster;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  cluster: Cluster,
): Promise<void> {
  const { method = "", url = "" } = request;
  const [path = "", query = ""] = url.split("?");
  if (cluster.forbidden?.test(path) === true) {
    return refuse(response, 403, `${path} is forbidden: User "u" cannot`);
  }
  if (method !== "GET") {
    const status = cluster.onWrite(method, path, await json(request));
    return status < 400
      ? reply(response, status, cluster.objects.get(path) ?? {})
      : refuse(response, status, "refused");
  }
  const [, port, rest = ""] =
    /^\/api\/v1\/namespaces\/[^/]+\/pods\/[^/]+(?::|%3A)(\d+)\/proxy\/(.*)$/.exec(path) ?? [];
  if (port !== undefined) return forward(Number(port), rest, { request, response, cluster });
  const [, pod] = /\/pods\/([^/]+)\/log$/.exec(path) ?? [];
  if (pod !== undefined) {
    const container = new URLSearchParams(query).get("container") ?? "";
    response.setHeader("content-type", "text/plain");
    response.end(cluster.logs.get(`${pod} ${container}`) ?? "");
    return undefined;
  }
  const object = cluster.objects.get(path);
  if (object !== undefined) return reply(response, 200, object);
  const items = [...cluster.objects].filter(([key]) => isIn(key, path)).map(([, item]) => item);
  const isCollection = /(s|code)$/.test(path) && items.length > 0;
  if (
    isCollection ||
    /\/(pods|services|poddisruptionbudgets|nodes|mutatingwebhookconfigurations)$/.test(path)
  ) {
    return reply(response, 200, { metadata: {}, items });
  }
  return refuse(response, 404, `${path} not found`);
}

const isIn = (key: string, collection: string) =>
  key.startsWith(`${collection}/`) && !key.slice(collection.length + 1).includes("/");

interface Hop {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly cluster: Cluster;
}

/** As the API server's: the path is decoded, put together anew, and escaped as Go does. */
function forward(port: number, rest: string, { request, response, cluster }: Hop): void {
  const real = cluster.ports.get(port);
  if (real === undefined) {
    const what = `error trying to reach service: dial tcp 10.0.0.7:${port}: connect: connection refused`;
    return refuse(response, 503, what);
  }
  const path = `/${encodeURI(decodeURIComponent(rest))}`;
  const headers = { ...request.headers, host: `10.0.0.7:${port}` };
  const hop = send({ host: "127.0.0.1", port: real, path, headers }, (from) => {
    response.writeHead(from.statusCode ?? 500, from.headers);
    from.pipe(response);
  });
  hop.on("error", () => refuse(response, 503, "error trying to reach service: EOF"));
  hop.end();
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, message: string): void {
  reply(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, message });
}

/** An installation as the chart makes it, with this settings file, and a namespace that it serves. */
export function install(cluster: Cluster, settings: string, installed = version): void {
  const { objects } = cluster;
  const service = { namespace: "bouncer-system", name: "bouncer-injector", path: "/mutate" };
  objects.set(
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/bouncer-injector",
    {
      metadata: { name: "bouncer-injector" },
      webhooks: [{ name: "injector.bouncer.dev", clientConfig: { service, caBundle: "" } }],
    },
  );
  const system = "/api/v1/namespaces/bouncer-system";
  objects.set(`${system}/configmaps/bouncer-injector-settings`, {
    metadata: { name: "bouncer-injector-settings" },
    data: { "settings.yaml": settings },
  });
  objects.set("/apis/apps/v1/namespaces/bouncer-system/deployments/bouncer-injector", {
    metadata: { name: "bouncer-injector" },
    spec: {
      template: { spec: { containers: [{ name: "injector", image: `injector:${installed}` }] } },
    },
  });
  objects.set("/api/v1/namespaces/shop", {
    metadata: { name: "shop", labels: { "bouncer-injection": "enabled" } },
  });
}
