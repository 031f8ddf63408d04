/** The API server as pods reach it: the service account's files are read again when they change. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApiServer } from "../../src/kube/api-server.ts";
import { connectApiServer } from "../../src/kube/connect.ts";
import { createInCluster } from "../../src/kube/in-cluster.ts";
import { createAskApi } from "../../src/kube/request.ts";
import { startFakeApi } from "./fake-api.ts";
import type { FakeApi } from "./fake-api.ts";
import { apiHost, createAuthority, createServiceAccountFolder } from "./service-account.ts";
import type { Authority, ServiceAccountFolder } from "./service-account.ts";

let authority: Authority;
let account: ServiceAccountFolder;
let api: FakeApi;
let apiServer: ApiServer;

beforeEach(async () => {
  authority = await createAuthority();
  account = createServiceAccountFolder(authority.ca, "first\n");
  api = await startFakeApi({ tls: authority.serving });
  const environment = {
    KUBERNETES_SERVICE_HOST: apiHost,
    KUBERNETES_SERVICE_PORT: String(api.port),
  };
  apiServer = await connectApiServer(environment, account.path);
});

afterEach(async () => {
  apiServer.close();
  await api.close();
  account.remove();
});

const version = { method: "GET", path: "/version" } as const;

test("asked with the token as it is now, over a connection that is kept", async () => {
  const ask = createAskApi(apiServer);
  expect(await ask(version)).toEqual({ gitVersion: "v1.34.1" });
  expect(await ask(version)).toEqual({ gitVersion: "v1.34.1" });
  account.write("token", "second\n");
  await ask(version);
  const tokens = api.received.map(({ headers }) => headers.authorization);
  expect(tokens).toEqual(["Bearer first", "Bearer first", "Bearer second"]);
  expect(api.received[0]?.headers["user-agent"]).toBe("bouncer-injector");
  expect(new Set(api.received.map(({ socket }) => socket.remotePort)).size).toBe(1);
});

test("another authority is believed as soon as it is in the file", async () => {
  const other = await createAuthority();
  account.write("ca.crt", other.ca);
  const ask = createAskApi(apiServer);
  await expect(ask(version)).rejects.toThrow(/certificate/);
  await expect(ask(version)).rejects.toThrow(/certificate/);
  account.write("ca.crt", authority.ca);
  // The agent that failed was made with the file as it was before.
  await expect(ask(version)).resolves.toEqual({ gitVersion: "v1.34.1" });
  expect(api.requests).toEqual(["GET /version"]);
});

test("an answer that does not come is not waited for", async () => {
  api.intercept(() => new Promise(() => undefined));
  const ask = createAskApi(apiServer);
  await expect(ask({ ...version, timeoutMs: 50 })).rejects.toThrow(/timeout/);
  const controller = new AbortController();
  const asked = ask({ ...version, signal: controller.signal });
  controller.abort();
  await expect(asked).rejects.toThrow(/abort/);
});

test("without its files: which one is missing", async () => {
  const nowhere = { host: apiHost, port: "1", folder: "/nonexistent" };
  const missing = createInCluster({
    ...nowhere,
    readFile: (path) => Promise.reject(new Error(`no ${path}`)),
  });
  await expect(createAskApi(missing)(version)).rejects.toThrow("no /nonexistent/token");
});

test.each([
  { host: "10.96.0.1", url: "https://10.96.0.1:443" },
  { host: "fd00:10:96::1", url: "https://[fd00:10:96::1]:443" },
  { host: "kubernetes.default.svc", url: "https://kubernetes.default.svc:443" },
])("$host is at $url", ({ host, url }) => {
  const unread = { folder: "/nonexistent", readFile: () => Promise.reject(new Error("unread")) };
  expect(createInCluster({ host, port: "443", ...unread }).url).toBe(url);
});

test("outside of a cluster: what the kubeconfig says, and why it cannot be read", async () => {
  const kubeConfig = process.env["KUBECONFIG"];
  process.env["KUBECONFIG"] = "/nonexistent/config";
  try {
    await expect(connectApiServer(process.env, account.path)).rejects.toThrow(
      /^Cannot load the Kubernetes configuration: .*\/nonexistent\/config/,
    );
  } finally {
    if (kubeConfig === undefined) delete process.env["KUBECONFIG"];
    else process.env["KUBECONFIG"] = kubeConfig;
  }
});

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** Tells on stderr of each module that is loaded. */
const spy = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { writeSync } from "node:fs";
  registerHooks({
    load: (url, context, next) => {
      writeSync(2, "loads " + url + "\\n");
      return next(url, context);
    },
  });
`)}`;

/** Modules that the program loads until it ends, or until its output has these words. */
async function modulesOf(args: readonly string[], enough: string): Promise<string[]> {
  const child = spawn(process.execPath, ["--import", spy, program, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      KUBERNETES_SERVICE_HOST: apiHost,
      KUBERNETES_SERVICE_PORT: String(api.port),
      INJECTOR_SERVICE_ACCOUNT_FOLDER: account.path,
      INJECTOR_NAMESPACE: "system",
      INJECTOR_SERVICE: "injector",
      INJECTOR_WEBHOOK_CONFIGURATION: "injector",
      INJECTOR_TLS_SECRET: "injector-tls",
      INJECTOR_SETTINGS_FILE: fileURLToPath(new URL("./settings.yaml", import.meta.url)),
      INJECTOR_PORT: "0",
      INJECTOR_ADMIN_PORT: "0",
      INJECTOR_DRAIN_DELAY_SECONDS: "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = Promise.withResolvers<void>();
  child.on("close", () => exited.resolve());
  let output = "";
  const take = (chunk: string): void => {
    output += chunk;
    if (output.includes(enough)) child.kill("SIGTERM");
  };
  child.stdout.setEncoding("utf8").on("data", take);
  child.stderr.setEncoding("utf8").on("data", take);
  await exited.promise;
  expect(output).toContain(enough);
  return output.split("\n").filter((line) => line.startsWith("loads "));
}

test.each([
  { args: ["serve"], enough: "will be tried again", loaded: false },
  { args: ["self-test", "--namespace", "shop"], enough: "lacks bouncer", loaded: false },
  { args: ["--help"], enough: "diagnose", loaded: true },
])("client-node is loaded by $args: $loaded", async ({ args, enough, loaded }) => {
  const modules = await modulesOf(args, enough);
  expect(modules.some((url) => url.includes("/undici/"))).toBe(true);
  expect(modules.some((url) => url.includes("client-node"))).toBe(loaded);
});
