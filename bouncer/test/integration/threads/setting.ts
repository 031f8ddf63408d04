/** A bouncer of several threads in this process, with a real policy, in front of a real application. */
import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, type IncomingMessage, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { Worker } from "node:worker_threads";
import { pino } from "pino";
import { expect } from "vitest";
import type { Config } from "../../../src/config.ts";
import { adminPath } from "../../../src/contract.ts";
import { createPolicy } from "../../../src/policy/policy.ts";
import { type Serving, startServing } from "../../../src/serve.ts";
import { parseLine } from "../audit/gate.ts";
import { buildBundle, manifest } from "../policy/opa.ts";
import { configOf } from "../policy/setting.ts";
import { fetchHead, listenOn } from "../proxy/harness.ts";

export const cleanups: (() => unknown)[] = [];

/** For `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

/** Allows all but DELETE, and says in each answer which policy that was. */
export function bundleOf(
  revision: string,
  allow = 'input.attributes.request.http.method != "DELETE"',
): Promise<Uint8Array> {
  return buildBundle({
    "authz.rego": `package envoy.authz
allow := {"allowed": allowed, "response_headers_to_add": told, "headers": told}
told := {"x-revision": "${revision}"}
default allowed := false
allowed if ${allow}`,
    ".manifest": manifest({
      revision,
      metadata: { bouncer: { input: ["attributes.request.http.method"] } },
    }),
  });
}

export interface ThreadedOptions {
  readonly threads?: number;
  readonly bundle?: Uint8Array | null;
  readonly env?: Parameters<typeof configOf>[0];
  readonly app?: RequestListener;
  readonly config?: Partial<Config>;
  readonly stdout?: Writable;
  /** For other threads only. */
  readonly threadEnvironment?: Record<string, string>;
}

export interface Threaded {
  readonly serving: Serving;
  readonly config: Config;
  readonly port: number;
  readonly workers: readonly Worker[];
  /** Audit records that each of the workers has handed over. */
  readonly recordsOf: ReadonlyMap<Worker, number>;
  readonly log: () => string;
  readonly admin: (path: string, method?: string) => Promise<{ status: number; body: string }>;
  /** The file that the policy is loaded from. */
  readonly store: (bundle: Uint8Array) => Promise<void>;
  readonly audit: () => string;
}

export async function startThreaded(options: ThreadedOptions = {}): Promise<Threaded> {
  const { threads = 3, app, config, bundle = await bundleOf("r1"), env = {} } = options;
  const server = createServer(app ?? ((_request, response) => response.end("app")));
  const appPort = await listenOn(server);
  const directory = await mkdtemp(join(tmpdir(), "threads-"));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const store = (bytes: Uint8Array): Promise<void> =>
    writeFile(join(directory, "bundle.tar.gz"), bytes);
  if (bundle !== null) await store(bundle);
  const environment = {
    DRAIN_DELAY_SECONDS: "0",
    DRAIN_TIMEOUT_SECONDS: "0",
    POLICY_DIRECTORY: directory,
    ADMIN_PORT: "1",
    ...env,
  };
  const lines: string[] = [];
  const written: string[] = [];
  const stdout = options.stdout ?? new PassThrough().on("data", (text) => written.push(`${text}`));
  const workers: Worker[] = [];
  const recordsOf = new Map<Worker, number>();
  const route = { port: 0, target: { host: "127.0.0.1", port: appPort }, tls: false };
  const started = {
    ...configOf(environment),
    adminPort: 0,
    routes: [{ ...route, opaque: false, protocol: "auto" as const }],
    ...config,
  };
  const serving = await startServing(started, {
    log: pino({ level: "debug" }, { write: (line: string) => lines.push(line) }),
    version: "1.2.3",
    stdout,
    createPolicy: (policyConfig, deps) => createPolicy(policyConfig, { ...deps, environment }),
    threads: {
      count: threads,
      environment: { ...environment, ...options.threadEnvironment },
      writeLine: (text) => lines.push(text),
      startWorker: (file, workerOptions) => {
        const worker = new Worker(file, workerOptions);
        workers.push(worker);
        worker.on("message", ({ kind, records }: { kind: string; records?: string }) => {
          if (kind !== "batch" || records === undefined || records === "") return;
          const count = records.split("\n").length - 1;
          recordsOf.set(worker, (recordsOf.get(worker) ?? 0) + count);
        });
        return worker;
      },
    },
  });
  cleanups.push(() => serving.stop());
  return {
    serving,
    config: started,
    port: serving.ports[0] ?? 0,
    workers,
    recordsOf,
    log: () => lines.join(""),
    admin: async (path, method = "GET") => {
      const response = await fetch(`http://127.0.0.1:${serving.adminPort}${path}`, { method });
      return { status: response.status, body: await response.text() };
    },
    store,
    audit: () => written.join(""),
  };
}

export async function statusOf({ admin }: Threaded): Promise<Record<string, unknown>> {
  return parseLine((await admin(adminPath.status)).body);
}

/** A connection of its own, which is kept: its requests are all of one thread. */
export function createClient(port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  return {
    ask: (path = "/", method = "GET"): Promise<Answer> => askWith(agent, { port, path, method }),
  };
}

export interface Answer {
  readonly status: number;
  readonly revision: string;
  readonly reason: string;
}

async function askWith(
  agent: Agent,
  to: { readonly port: number; readonly path: string; readonly method: string },
): Promise<Answer> {
  const response: IncomingMessage = await fetchHead({ ...to, host: "127.0.0.1", agent });
  response.resume();
  await new Promise((resolve) => response.once("end", resolve));
  return {
    status: response.statusCode ?? 0,
    revision: String(response.headers["x-revision"] ?? ""),
    reason: String(response.headers["x-bouncer-reason"] ?? ""),
  };
}

/** Lines of a chain, checked as an auditor would. */
export function readChain(text: string): readonly Record<string, unknown>[] {
  let previous = "";
  return text
    .trimEnd()
    .split("\n")
    .map((line, at) => {
      const [, body = "", own = ""] = /^(.*),"hash":"(\w+)"\}$/.exec(line) ?? [];
      expect(hash("sha256", `${body}}`)).toBe(own);
      const record = parseLine(line);
      expect(record).toMatchObject({ sequence: at + 1, previous_hash: previous });
      previous = own;
      return record;
    });
}

/** The sum of a metric over its labels. */
export function sumOf(metrics: string, name: string): number {
  return metrics
    .split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}
