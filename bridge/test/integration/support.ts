/** A bridge on real sockets, directories and certificates, and clients that talk to it. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { TLSSocket } from "node:tls";
import { pino, type Logger } from "pino";
import * as v from "valibot";
import { onTestFinished } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import type { Authentication, CheckToken } from "../../src/authenticate.ts";
import { startBridge, type Bridge } from "../../src/bridge.ts";
import { parseConfig } from "../../src/config.ts";
import type { SyncTiming } from "../../src/sync.ts";

export const bundleName = "policy.tar.gz";

export async function createDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "bouncer-bridge-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A volume as the kubelet keeps it: all files change at once, by a symlink that is renamed. */
export async function createMount() {
  const path = await createDirectory();
  let version = 0;
  let names: readonly string[] = [];
  return {
    path,
    async write(files: Readonly<Record<string, Buffer | string>>): Promise<void> {
      version += 1;
      const data = `..version-${version}`;
      await mkdir(join(path, data));
      for (const [name, content] of Object.entries(files)) {
        await writeFile(join(path, data, name), content);
      }
      await symlink(data, join(path, "..data_tmp"));
      await rename(join(path, "..data_tmp"), join(path, "..data"));
      for (const name of names.filter((one) => !Object.hasOwn(files, one))) {
        await rm(join(path, name));
      }
      for (const name of Object.keys(files).filter((one) => !names.includes(one))) {
        await symlink(join("..data", name), join(path, name));
      }
      names = Object.keys(files);
    },
  };
}

export type Mount = Awaited<ReturnType<typeof createMount>>;

/** A self-signed certificate for `localhost`, as the files of a Secret. */
export function createCertificate(): { "tls.crt": string; "tls.key": string } {
  const command =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout - -out -";
  try {
    const pem = execFileSync("openssl", command.split(" "), { encoding: "utf8", stdio: "pipe" });
    const at = pem.indexOf("-----BEGIN CERTIFICATE-----");
    return { "tls.crt": pem.slice(at), "tls.key": pem.slice(0, at) };
  } catch (error) {
    throw new Error("Cannot make a certificate: apt-get install openssl", { cause: error });
  }
}

const lineSchema = v.looseObject({ msg: v.string() });
export type LogLine = v.InferOutput<typeof lineSchema>;

/** A log whose lines can be waited for. */
export function createTestLog() {
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  const log: Logger = pino(
    { level: "trace" },
    {
      write(text: string) {
        lines.push(v.parse(lineSchema, JSON.parse(text)));
        for (const look of waiting) look();
      },
    },
  );
  const find = (fields: Readonly<Record<string, unknown>>): LogLine | undefined =>
    lines.find((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
  return {
    log,
    lines,
    /** Resolves with the first line, already written or to come, that has these fields. */
    has(fields: Readonly<Record<string, unknown>>): Promise<LogLine> {
      return new Promise((resolve) => {
        const look = (): void => {
          const line = find(fields);
          if (line === undefined) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        look();
      });
    },
  };
}

const answers: Readonly<Record<string, Authentication>> = {
  good: {
    kind: "identity",
    identity: { subject: "system:serviceaccount:shop:default", pod: null },
  },
  pod: {
    kind: "identity",
    identity: { subject: "system:serviceaccount:shop:default", pod: "shop/cart-1" },
  },
  person: { kind: "refusal", code: "identity_forbidden" },
  unlucky: { kind: "refusal", code: "authenticator_unavailable" },
};

export interface TestBridge {
  readonly bridge: Bridge;
  readonly bundles: Mount;
  readonly tls: Mount;
  readonly logged: ReturnType<typeof createTestLog>;
}

export interface TestBridgeOptions {
  readonly files?: Readonly<Record<string, Buffer | string>>;
  readonly certificate?: Readonly<Record<string, string>>;
  readonly timing?: SyncTiming;
  readonly bundles?: Mount;
  readonly port?: number;
  readonly checkToken?: CheckToken;
  readonly now?: () => number;
}

export async function startTestBridge(options: TestBridgeOptions = {}): Promise<TestBridge> {
  const bundles = options.bundles ?? (await createMount());
  const tls = await createMount();
  if (options.files !== undefined) await bundles.write(options.files);
  await tls.write(options.certificate ?? createCertificate());
  const parsed = parseConfig({
    BRIDGE_PORT: String(options.port ?? 0),
    BRIDGE_ADMIN_PORT: "0",
    BRIDGE_BUNDLE_DIRECTORY: bundles.path,
    BRIDGE_TLS_DIRECTORY: tls.path,
  });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.join("\n"));
  const logged = createTestLog();
  const bridge = await startBridge(parsed.config, {
    log: logged.log,
    now: options.now ?? Date.now,
    checkToken:
      options.checkToken ??
      (async (token) => answers[token] ?? { kind: "refusal", code: "token_refused" }),
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  });
  onTestFinished(() => bridge.close());
  return { bridge, bundles, tls, logged };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Fingerprint of the certificate that was served. */
  readonly fingerprint: string;
}

export interface Ask {
  readonly method?: string;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request on a connection of its own; the path goes out exactly as it is given. */
export async function ask({ bridge }: TestBridge, path: string, how: Ask = {}): Promise<Answer> {
  const token = how.token === undefined ? "good" : how.token;
  const outgoing = request({
    port: bridge.port,
    path,
    method: how.method ?? "GET",
    agent: false,
    rejectUnauthorized: false,
    headers: { ...how.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
  });
  outgoing.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
  });
  const { socket } = response;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await buffer(response),
    fingerprint: socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : "",
  };
}

export async function askAdmin({ bridge }: TestBridge, path: string, method = "GET") {
  const response = await fetch(`http://localhost:${bridge.adminPort}${path}`, { method });
  return { status: response.status, text: await response.text() };
}

export interface Client {
  readonly socket: WebSocket;
  /** The next message, in order. */
  next(): Promise<unknown>;
  say(message: unknown): void;
  /** Code and reason once the connection has ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

export function openSocket(
  { bridge }: TestBridge,
  token: string | null,
  options: ClientOptions = {},
) {
  return new WebSocket(`wss://localhost:${bridge.port}/v1/sync`, {
    ...options,
    rejectUnauthorized: false,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
}

export async function connectClient(
  test: TestBridge,
  token = "good",
  options: ClientOptions = {},
): Promise<Client> {
  const socket = openSocket(test, token, options);
  const messages: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  socket.on("message", (data: Buffer) => {
    const message: unknown = JSON.parse(data.toString("utf8"));
    const next = waiting.shift();
    if (next === undefined) messages.push(message);
    else next(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
  });
  socket.on("error", () => {});
  await once(socket, "open");
  return {
    socket,
    closed,
    next: () =>
      messages.length > 0
        ? Promise.resolve(messages.shift())
        : new Promise((resolve) => waiting.push(resolve)),
    say: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
  };
}

export function hello(bouncer: string, changed: Readonly<Record<string, unknown>> = {}) {
  const whole = { kind: "hello", protocol: 2, bouncer, version: "1.0.0", bundles: [bundleName] };
  return { ...whole, ...changed };
}

/** A status about the one bundle of the tests. */
export function status(changed: Readonly<Record<string, unknown>> = {}) {
  const bundle = { bundle: bundleName, revision: null, sha256: null, error: null, ...changed };
  return { kind: "status", bundles: [bundle], decisions: 0, refused: 0 };
}
