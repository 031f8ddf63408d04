/** A bouncer with all its parts, started in this process, in front of a real application. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { pino } from "pino";
import { type Config, parseConfig } from "../../../src/config.ts";
import type { Policy } from "../../../src/policy/decision.ts";
import { type Serving, startServing } from "../../../src/serve.ts";
import { allow, createTestPolicy, deny, listenOn, parseRaw, sendRaw } from "../proxy/harness.ts";

export const token = "0123456789abcdef";
export const cleanups: (() => unknown)[] = [];

/** For `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

export interface Running {
  readonly serving: Serving;
  /** The application's port. */
  readonly port: number;
  readonly admin: number;
  readonly audit: () => Promise<Record<string, unknown>[]>;
}

function parseRecord(line: string): Record<string, unknown> {
  const record: unknown = JSON.parse(line);
  if (typeof record !== "object" || record === null) throw new Error(`not a record: ${line}`);
  return { ...record };
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly policy?: Policy;
  readonly app?: Parameters<typeof createServer>[1];
  readonly config?: Partial<Config>;
  readonly stdout?: Writable;
  readonly log?: Writable;
}

export async function run(options: RunOptions = {}): Promise<Running> {
  const { env = {}, policy, app, config, stdout = new PassThrough(), log } = options;
  const server = createServer(app ?? ((request, response) => response.end(`app ${request.url}`)));
  const appPort = await listenOn(server);
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const directory = await mkdtemp(join(tmpdir(), "serve-"));
  const file = env["AUDIT_LOG_FILE"] ?? join(directory, "audit.log");
  const parsed = parseConfig({
    DRAIN_DELAY_SECONDS: "0",
    DRAIN_TIMEOUT_SECONDS: "0",
    AUDIT_LOG_DESTINATION: "file",
    AUDIT_LOG_FILE: file,
    ADMIN_TOKEN: token,
    ...env,
  });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.join());
  const serving = await startServing(
    {
      ...parsed.config,
      adminPort: 0,
      routes: [
        {
          port: 0,
          target: { host: "127.0.0.1", port: appPort },
          opaque: false,
          protocol: "auto" as const,
          tls: false,
        },
      ],
      ...config,
    },
    {
      log: log === undefined ? pino({ level: "silent" }) : pino(log),
      version: "1.2.3",
      stdout,
      createPolicy: () => Promise.resolve(policy ?? createTestPolicy(() => allow)),
    },
  );
  cleanups.push(async () => {
    await serving.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    serving,
    port: serving.ports[0] ?? 0,
    admin: serving.adminPort,
    audit: async () => {
      await serving.stop();
      const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
      return lines.filter((line) => line !== "").map(parseRecord);
    },
  };
}

export function noPolicy(
  error: { code: string; message: string; at: number } | null = null,
): Policy {
  const policy = createTestPolicy(() => ({ ...deny, status: 503, reason: "no_policy" }));
  const status = { ...policy.status(), bundle: null, activatedAt: null };
  return { ...policy, status: () => ({ ...status, sync: { ...status.sync, error } }) };
}

export async function ask(port: number, path: string, method = "GET") {
  const close = "Host: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  return parseRaw(await sendRaw(port, `${method} ${path} HTTP/1.1\r\n${close}`));
}
