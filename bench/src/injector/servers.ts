/** The two servers that are measured, each a process of its own, and the fake API server they need. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  type FakeApi,
  type FakeApiOptions,
  startFakeApi,
} from "../../../injector/test/integration/fake-api.ts";
import {
  apiHost,
  createAuthority,
  createServiceAccountFolder,
  type ServiceAccountFolder,
} from "../../../injector/test/integration/service-account.ts";
import type { Target } from "../load/connection.ts";

export interface Server {
  readonly pid: number;
  readonly target: Target;
  close(): Promise<void>;
}

export interface Servers {
  readonly injector: Server;
  readonly floor: Server;
  close(): Promise<void>;
}

const system = "bouncer-system";
const serverName = `bouncer-injector.${system}.svc`;
const secretPath = `/api/v1/namespaces/${system}/secrets/injector-tls`;
const webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const webhookPath = `${webhooks}/bouncer-injector`;
const settings = `image: registry.example/bouncer:1
policy:
  bundleUrl: https://bridge.${system}.svc:8443/bundles/policy.tar.gz
  syncUrl: wss://bridge.${system}.svc:8443/v1/sync
`;
const startMs = 20_000;

/** `program`: the built injector, in one file. */
export async function startServers(program: string): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "bouncer-bench-"));
  const { ca, serving } = await createAuthority();
  const account = createServiceAccountFolder(ca, "a-token");
  const api = await startCluster(serving);
  const close = async (): Promise<void> => {
    await api.close();
    account.remove();
    rmSync(folder, { recursive: true });
  };
  try {
    const injector = await startInjector(program, { api, account, folder });
    const floor = await startFloor(api, injector.target.ca);
    return {
      injector,
      floor,
      close: async () => {
        await Promise.all([injector.close(), floor.close()]);
        await close();
      },
    };
  } catch (error) {
    process.stderr.write(tail(join(folder, "log.jsonl")));
    await close();
    throw error;
  }
}

function tail(log: string): string {
  return existsSync(log) ? `${readFileSync(log, "utf8").slice(-2000)}\n` : "";
}

async function startCluster(tls: NonNullable<FakeApiOptions["tls"]>): Promise<FakeApi> {
  const api = await startFakeApi({ tls });
  api.put(secretPath, { type: "Opaque" });
  api.put(webhookPath, {
    webhooks: [{ name: "injector.bouncer.dev", clientConfig: { service: { name: "x" } } }],
  });
  api.put("/api/v1/namespaces/shop", { metadata: { labels: { "bouncer-injection": "enabled" } } });
  return api;
}

/** Node's options and environment are those of the image, so that what is measured is what runs. */
function readImage(): { readonly options: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const file = fileURLToPath(new URL("../../../injector/Dockerfile", import.meta.url));
  const text = readFileSync(file, "utf8");
  const entry = /^ENTRYPOINT \["node", (.*)"\/app\/main\.mjs"\]$/m.exec(text);
  if (entry === null) throw new Error("injector/Dockerfile has another entry point");
  const options = [...(entry[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, option = ""]) => option);
  const variables = [...text.matchAll(/^ENV (\w+)=(\S+)$/gm)];
  const env = Object.fromEntries(variables.map(([, name = "", value = ""]) => [name, value]));
  return { options, env };
}

interface Cluster {
  readonly api: FakeApi;
  readonly account: ServiceAccountFolder;
  /** For files of the injector. */
  readonly folder: string;
}

/** It reaches its API server as in a pod, since another way would take other code and memory. */
async function startInjector(program: string, { api, account, folder }: Cluster): Promise<Server> {
  const file = (name: string) => join(folder, name);
  writeFileSync(file("settings.yaml"), settings);
  // To a file, because lines that somebody reads cost the reader's time on the same cores.
  const log = openSync(file("log.jsonl"), "w");
  const { options, env } = readImage();
  const child = spawn(process.execPath, [...options, program, "serve"], {
    env: {
      ...env,
      KUBERNETES_SERVICE_HOST: apiHost,
      KUBERNETES_SERVICE_PORT: String(api.port),
      INJECTOR_SERVICE_ACCOUNT_FOLDER: account.path,
      INJECTOR_NAMESPACE: system,
      INJECTOR_SERVICE: "bouncer-injector",
      INJECTOR_WEBHOOK_CONFIGURATION: "bouncer-injector",
      INJECTOR_TLS_SECRET: "injector-tls",
      INJECTOR_SETTINGS_FILE: file("settings.yaml"),
      INJECTOR_PORT: "0",
      INJECTOR_ADMIN_PORT: "0",
      INJECTOR_DRAIN_DELAY_SECONDS: "0",
    },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const [port, adminPort] = await waitForPorts(child, file("log.jsonl"));
  await waitUntilReady(child, adminPort);
  const ca = readSecret(api, "ca.crt");
  return toServer(child, { port, ca, serverName }, () => child.kill());
}

async function waitForPorts(child: ChildProcess, log: string): Promise<[number, number]> {
  const pattern = /"port":(\d+),"adminPort":(\d+),"msg":"webhook listening"/;
  const found = await poll(child, () => {
    const match = pattern.exec(readFileSync(log, "utf8"));
    return Promise.resolve(match);
  });
  return [Number(found[1]), Number(found[2])];
}

async function waitUntilReady(child: ChildProcess, adminPort: number): Promise<void> {
  await poll(child, async () => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/ready`);
    await response.body?.cancel();
    return response.status === 200 ? true : null;
  });
}

async function poll<T>(child: ChildProcess, look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + startMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    if (performance.now() > end) {
      child.kill();
      throw new Error(`the server did not start in ${startMs} ms`);
    }
    await elapse(50);
  }
}

/** Serves with the injector's certificate: the same handshake, the same cipher. */
async function startFloor(api: FakeApi, ca: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL("./floor.ts", import.meta.url)), {
    env: {
      ...process.env,
      FLOOR_KEY: readSecret(api, "tls.key"),
      FLOOR_CERTIFICATE: readSecret(api, "tls.crt"),
    },
  });
  const [port] = (await once(child, "message")) as [number];
  return toServer(child, { port, ca, serverName }, () => child.disconnect());
}

function toServer(child: ChildProcess, target: Target, end: () => void): Server {
  if (child.pid === undefined) throw new Error("the server has no process");
  return {
    pid: child.pid,
    target,
    close: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      end();
      await exited;
    },
  };
}

function readSecret(api: FakeApi, key: string): string {
  const { data } = api.get(secretPath) as { data?: Readonly<Record<string, string>> };
  return Buffer.from(data?.[key] ?? "", "base64").toString();
}
