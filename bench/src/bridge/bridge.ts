/** The built bridge as a process of its own, and the part of an API server that it asks about tokens. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer as createApi } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { setTimeout as elapse } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Its own authority. */
export function createCertificate(): Certificate {
  const command =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout - -out -";
  const pem = execFileSync("openssl", command.split(" "), { encoding: "utf8", stdio: "pipe" });
  const at = pem.indexOf("-----BEGIN CERTIFICATE-----");
  return { cert: pem.slice(at), key: pem.slice(0, at) };
}

/** A directory as the kubelet mounts a ConfigMap: a symlink is swapped. */
export async function createMount(path: string) {
  let version = 0;
  await mkdir(path);
  return {
    path,
    /** Resolves with the time, in milliseconds since the epoch, at which it has changed. */
    async write(name: string, bytes: Uint8Array): Promise<number> {
      version += 1;
      const data = `..version-${version}`;
      await mkdir(join(path, data));
      await writeFile(join(path, data, name), bytes);
      await symlink(data, join(path, "..data_tmp"));
      const at = Date.now();
      await rename(join(path, "..data_tmp"), join(path, "..data"));
      if (version === 1) await symlink(join("..data", name), join(path, name));
      else await rm(join(path, `..version-${version - 1}`), { recursive: true });
      return at;
    },
  };
}

export interface Api {
  readonly port: number;
  readonly reviews: () => number;
  close(): void;
}

/** Knows every token, each that of a pod. */
export async function startApi(certificate: Certificate): Promise<Api> {
  let reviews = 0;
  const server = createApi(certificate, (request, response) => {
    reviews += 1;
    const review = async (): Promise<void> => {
      const { spec } = (await json(request)) as { spec: { token: string } };
      const user = {
        username: "system:serviceaccount:load:default",
        extra: { "authentication.kubernetes.io/pod-name": [spec.token] },
      };
      const status = { authenticated: true, audiences: ["bouncer-bridge"], user };
      const about = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" };
      response
        .writeHead(201, { "content-type": "application/json" })
        .end(JSON.stringify({ ...about, spec, status }));
    };
    void review();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: portOf(server.address()), reviews: () => reviews, close: () => server.close() };
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}

export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "::");
  await once(server, "listening");
  const port = portOf(server.address());
  server.close();
  await once(server, "close");
  return port;
}

export interface BridgeOptions {
  readonly program: string;
  readonly folder: string;
  readonly bundles: string;
  readonly certificate: Certificate;
  readonly api: Api;
  readonly port: number;
}

export interface BridgeProcess {
  readonly pid: number;
  /** Without a word, as when a node dies. */
  kill(): Promise<void>;
}

const startMs = 30_000;

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");

/** Node's options and environment are those of the chart, so that what is measured is what runs. */
function readInstallation(): {
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
} {
  const chart = read("charts/bouncer-injector/templates/bridge.yaml");
  const command = /command: \[node, (.*)\/app\/bridge\/main\.mjs\]/.exec(chart);
  if (command === null) throw new Error("the chart has another command for the bridge");
  const flags = (command[1] ?? "").split(",").map((flag) => flag.trim());
  const image = [...read("injector/Dockerfile").matchAll(/^ENV (\w+)=(\S+)$/gm)];
  const pod = [...chart.matchAll(/\{ name: (MALLOC_\w+), value: "(\d+)" \}/g)];
  const env: Record<string, string> = {};
  for (const [, name = "", value = ""] of [...image, ...pod]) env[name] = value;
  return { flags: flags.filter((flag) => flag !== ""), env };
}

export async function startBridge(options: BridgeOptions): Promise<BridgeProcess> {
  const { folder, api, certificate } = options;
  const file = (name: string): string => join(folder, name);
  await mkdir(file("tls"), { recursive: true });
  writeFileSync(file("tls/tls.crt"), certificate.cert);
  writeFileSync(file("tls/tls.key"), certificate.key);
  await mkdir(file("account"), { recursive: true });
  writeFileSync(file("account/token"), "of-the-bridge");
  writeFileSync(file("account/ca.crt"), certificate.cert);
  const log = openSync(file("bridge.jsonl"), "w");
  const { flags, env } = readInstallation();
  const child = spawn(process.execPath, [...flags, options.program], {
    env: {
      ...env,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(api.port),
      BRIDGE_SERVICE_ACCOUNT_FOLDER: file("account"),
      BRIDGE_PORT: String(options.port),
      BRIDGE_ADMIN_PORT: "0",
      BRIDGE_BUNDLE_DIRECTORY: options.bundles,
      BRIDGE_TLS_DIRECTORY: file("tls"),
    },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const end = performance.now() + startMs;
  while (!readFileSync(file("bridge.jsonl"), "utf8").includes("bridge started")) {
    if (child.exitCode !== null || performance.now() > end) {
      throw new Error(`the bridge did not start:\n${readFileSync(file("bridge.jsonl"), "utf8")}`);
    }
    await elapse(20);
  }
  if (child.pid === undefined) throw new Error("the bridge has no process");
  return {
    pid: child.pid,
    async kill() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
