/** Opaque ports of a bouncer with all its parts, and with a policy that OPA compiled. */
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { createPolicy } from "../../../src/policy/policy.ts";
import { ask, cleanUp, cleanups, run } from "../admin/setting.ts";
import { buildBundle, manifest } from "../policy/opa.ts";
import { configOf, silent, useDirectory } from "../policy/setting.ts";
import { createCertificate } from "../sync/server.ts";
import { dial, eventOf, listenOn, readAll } from "./harness.ts";

afterEach(cleanUp);

const bySource = {
  "authz.rego": `package envoy.authz
default allow := false
allow if {
  not input.attributes.request
  not input.parsed_path
  input.attributes.source.address.socketAddress.address == "127.0.0.1"
  input.attributes.destination.address.socketAddress.portValue == data.port
}`,
};

const bySni = {
  "authz.rego": `package envoy.authz
default allow := false
allow if input.attributes.tlsSession.sni == "db.example"`,
  ".manifest": manifest({ metadata: { bouncer: { input: ["attributes.tlsSession.sni"] } } }),
};

async function start(bundle: Uint8Array | null, appPort: number) {
  const directory = await useDirectory();
  cleanups.push(() => directory[Symbol.asyncDispose]());
  if (bundle !== null) await writeFile(join(directory.path, "bundle.tar.gz"), bundle);
  const config = configOf({ POLICY_DIRECTORY: directory.path });
  const policy = await createPolicy(config, { log: silent, version: "1" });
  const routes = [
    {
      port: 0,
      target: { host: "127.0.0.1", port: appPort },
      opaque: true,
      protocol: "auto" as const,
      tls: false,
    },
  ];
  return await run({ policy, config: { routes } });
}

async function startApp(): Promise<number> {
  const app = createServer((socket) => socket.end("220 ready"));
  cleanups.push(() => app.close());
  return await listenOn(app);
}

async function failureOf(port: number, servername?: string): Promise<unknown> {
  const socket =
    servername === undefined
      ? connect({ port, host: "127.0.0.1" })
      : connectTls({ port, host: "127.0.0.1", servername, ca: certificate.cert });
  const [error] = await eventOf(socket, "error");
  return error;
}

const named = (sni: string) => ({ input: { attributes: { tlsSession: { sni } } } });
const certificate = createCertificate("DNS:db.example");
const reset = { code: "ECONNRESET" };

test("a policy that knows the addresses: allowed, recorded, counted", async () => {
  const appPort = await startApp();
  const bundle = await buildBundle({ ...bySource, "data.json": JSON.stringify({ port: appPort }) });
  const running = await start(bundle, appPort);
  const socket = await dial(running.port);
  expect(await readAll(socket)).toBe("220 ready");
  socket.end();
  await eventOf(socket, "close");
  const { body } = await ask(running.admin, "/metrics");
  expect(body).toMatch(/^bouncer_opaque_connections_total\{verdict="allow",reason=""\} 1$/m);
  expect(body).toMatch(/^bouncer_requests_in_flight 0$/m);
  expect(body).not.toMatch(/^bouncer_requests_total\{/m);
  const [record] = await running.audit();
  expect(record).toMatchObject({
    verdict: "allow",
    opaque: true,
    status: null,
    port: appPort,
    input: { attributes: { source: { address: { socketAddress: { address: "127.0.0.1" } } } } },
    result: true,
    response_bytes: 9,
  });
  expect(record).not.toHaveProperty("request");
});

test("a policy that knows the port to be another's: reset", async () => {
  const bundle = await buildBundle({ ...bySource, "data.json": JSON.stringify({ port: 1 }) });
  const running = await start(bundle, await startApp());
  expect(await failureOf(running.port)).toMatchObject(reset);
  expect(await running.audit()).toMatchObject([
    { verdict: "deny", reason: "policy", opaque: true },
  ]);
});

test("no policy: reset", async () => {
  const running = await start(null, await startApp());
  expect(await failureOf(running.port)).toMatchObject(reset);
  expect(await running.audit()).toMatchObject([
    { reason: "no_policy", opaque: true, status: null },
  ]);
});

test("a policy that declares that it reads the name of the TLS server", async () => {
  const app = createTlsServer(certificate, (socket) => {
    socket.on("error", () => {});
    socket.end("secret");
  });
  cleanups.push(() => app.close());
  const running = await start(await buildBundle(bySni), await listenOn(app));
  const options = { port: running.port, host: "127.0.0.1", ca: certificate.cert };
  const client = connectTls({ ...options, servername: "db.example" });
  expect(await readAll(client)).toBe("secret");
  expect(await failureOf(running.port, "other.example")).toMatchObject(reset);
  expect(await running.audit()).toMatchObject([
    { verdict: "allow", ...named("db.example") },
    { verdict: "deny", ...named("other.example") },
  ]);
});
