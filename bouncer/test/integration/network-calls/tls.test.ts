/** Certificates of servers and clients, and where they may come from. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import type { TLSSocket } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromJson } from "../../../src/rego/term.ts";
import { RegoObject } from "../../../src/rego/value.ts";
import { askOpa } from "../differential/harness.ts";
import { ask, createAuthority, errorOf, openNetwork, send, startHttp } from "./setting.ts";

const authority = createAuthority();
const others = createAuthority();
const server = authority.issue("IP:127.0.0.1,DNS:localhost");
const elsewhere = authority.issue("DNS:elsewhere.example");
const client = authority.issue("DNS:client.example");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bouncer-tls-"));
  await mkdir(join(folder, "tls"));
  await writeFile(join(folder, "tls", "ca.crt"), authority.cert);
  await writeFile(join(folder, "tls", "client.crt"), client.cert);
  await writeFile(join(folder, "tls", "client.key"), client.key);
  await writeFile(join(folder, "outside.crt"), authority.cert);
  await symlink(join(folder, "outside.crt"), join(folder, "tls", "link.crt"));
  await symlink(join(folder, "tls", "ca.crt"), join(folder, "tls", "inner.crt"));
});

afterAll(async () => {
  authority[Symbol.dispose]();
  others[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

/** Says who the client is, by its certificate. */
async function startTls(certified: typeof server) {
  return await startHttp(
    (request, response) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is a server of TLS
      const socket = request.socket as TLSSocket;
      const names = socket.getPeerX509Certificate()?.subjectAltName ?? "nobody";
      response.end(`${names} at ${String(socket.servername)} ${socket.authorized}`);
    },
    { ...certified, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
  );
}

/** Response, or kind of error. */
function sum(answer: unknown): unknown {
  if (!(answer instanceof RegoObject)) return "undefined";
  const error = answer.get("error");
  if (!(error instanceof RegoObject)) return [answer.get("status"), answer.get("raw_body")];
  const isCertificate = errorOf(answer).message.includes("failed to verify certificate");
  return [error.get("code"), isCertificate];
}

test("certificates are judged as OPA judges them", async () => {
  await using good = await startTls(server);
  await using named = await startTls(elsewhere);
  const files = {
    tls_client_cert_file: join(folder, "tls", "client.crt"),
    tls_client_key_file: join(folder, "tls", "client.key"),
  };
  const ca = { tls_ca_cert: authority.cert };
  const requests: readonly object[] = [
    { url: good.origin },
    { url: good.origin, ...ca },
    { url: good.origin, tls_ca_cert: authority.cert.replaceAll("\n", String.raw`\n`) },
    { url: good.origin, tls_ca_cert: others.cert },
    { url: good.origin, tls_ca_cert: others.cert + authority.cert },
    { url: good.origin, tls_ca_cert: "nothing" },
    { url: good.origin, tls_ca_cert: "" },
    { url: good.origin, tls_use_system_certs: true },
    { url: good.origin, tls_use_system_certs: true, ...ca },
    { url: good.origin, tls_insecure_skip_verify: true },
    { url: good.origin, tls_insecure_skip_verify: true, tls_server_name: "elsewhere.example" },
    { url: good.origin.replace("127.0.0.1", "localhost"), ...ca },
    { url: good.origin, ...ca, tls_server_name: "localhost" },
    { url: good.origin, ...ca, tls_server_name: "elsewhere.example" },
    { url: good.origin, ...ca, headers: { host: "localhost" } },
    { url: good.origin, ...ca, headers: { host: "elsewhere.example" } },
    { url: named.origin, ...ca },
    { url: named.origin, ...ca, tls_server_name: "elsewhere.example" },
    { url: named.origin, ...ca, headers: { Host: "elsewhere.example" } },
    { url: named.origin, ...ca, headers: { Host: "x" }, tls_server_name: "elsewhere.example" },
    { url: good.origin, ...ca, tls_client_cert: client.cert, tls_client_key: client.key },
    { url: good.origin, ...ca, tls_client_cert: client.cert },
    { url: good.origin, ...ca, tls_client_cert: client.cert, tls_client_key: server.key },
    { url: good.origin, ...ca, tls_client_cert: client.cert, tls_client_key: "nothing" },
    { url: good.origin, ...ca, ...files },
    { url: good.origin, ...ca, ...files, tls_client_key_file: join(folder, "none") },
    { url: good.origin, tls_ca_cert_file: join(folder, "tls", "ca.crt") },
    { url: good.origin, tls_ca_cert_file: join(folder, "tls", "client.key") },
    { url: good.origin, ...ca, tls_ca_cert_file: join(folder, "tls", "inner.crt") },
    { url: good.origin, tls_ca_cert_env_variable: "NOT_SET_AT_ALL" },
    { url: good.origin.replace("https", "http") },
    { url: good.origin.replace(/\d+$/, "1"), ...ca },
  ];
  await using network = openNetwork({
    tls: { directory: join(folder, "tls"), environment: {} },
  });
  const calls = requests.map(
    (request) =>
      ["http.send", fromJson({ method: "GET", raise_error: false, ...request })] as const,
  );
  const theirs = await askOpa(calls);
  const ours = await Promise.all(calls.map((call) => ask(network, call)));
  expect(ours.map(sum)).toEqual(calls.map((_, at) => sum(theirs.get(at))));
  expect(sum(ours[1])).toEqual(["200 OK", "nobody at false false"]);
  expect(sum(ours[20])).toEqual(["200 OK", "DNS:client.example at false true"]);
});

test("files are read below one directory, whichever way they are named", async () => {
  await using good = await startTls(server);
  const request = { method: "GET", url: good.origin, raise_error: false };
  await using open = openNetwork({ tls: { directory: join(folder, "tls"), environment: {} } });
  const from = async (path: string) => await send(open, { ...request, tls_ca_cert_file: path });
  for (const path of ["ca.crt", "./ca.crt", "../tls/ca.crt", "inner.crt"]) {
    expect({ path, status: (await from(path))?.get("status") }).toEqual({ path, status: "200 OK" });
  }
  const outside = [join(folder, "outside.crt"), "../outside.crt", "link.crt", ".", "/etc/passwd"];
  for (const path of outside) {
    const error = errorOf(await from(path));
    expect(error.code).toBe("eval_http_send_internal_error");
    expect(error.message).toContain("cannot read file");
  }
  await using closed = openNetwork();
  const file = join(folder, "tls", "ca.crt");
  const error = errorOf(await send(closed, { ...request, tls_ca_cert_file: file }));
  expect(error.message).toContain("POLICY_HTTP_TLS_DIRECTORY is not set");
  expect(good.seen).toHaveLength(4);
});

test("variables are read, but not the bouncer's own, and their text is told nobody", async () => {
  await using good = await startTls(server);
  const environment = {
    CALL_CA: authority.cert,
    CALL_CERT: client.cert,
    CALL_KEY: client.key,
    SECRET: "hunter2",
    POLICY_SYNC_CA: authority.cert,
    POLICY_SYNC_CLIENT_TOKEN: "hunter2",
  };
  await using open = openNetwork({ tls: { directory: null, environment } });
  const request = { method: "GET", url: good.origin, raise_error: false };
  const pair = {
    tls_client_cert_env_variable: "CALL_CERT",
    tls_client_key_env_variable: "CALL_KEY",
  };
  const answer = await send(open, { ...request, tls_ca_cert_env_variable: "CALL_CA", ...pair });
  expect(answer?.get("raw_body")).toBe("DNS:client.example at false true");
  const refused: readonly object[] = [
    { tls_ca_cert_env_variable: "POLICY_SYNC_CA" },
    { tls_ca_cert_env_variable: "POLICY_SYNC_CLIENT_TOKEN" },
    { ...pair, tls_client_key_env_variable: "POLICY_VERIFICATION_KEY" },
    { ...pair, tls_client_key_env_variable: "ADMIN_TOKEN" },
    { ...pair, tls_client_key_env_variable: "REDIRECT_LISTENERS" },
    { ...pair, tls_client_key_env_variable: "SECRET" },
    { tls_ca_cert_env_variable: "SECRET" },
    { tls_ca_cert_env_variable: "__proto__" },
  ];
  for (const fields of refused) {
    const error = errorOf(await send(open, { ...request, ...fields }));
    expect(error.code).toBe("eval_http_send_internal_error");
    expect(error.message).not.toContain("hunter2");
  }
  expect(good.seen).toHaveLength(1);
});

test("connections are kept by what TLS was to do, and of too many kinds only the last", async () => {
  await using good = await startTls(server);
  await using open = openNetwork();
  const request = { method: "GET", url: good.origin, tls_insecure_skip_verify: true };
  const hosts = Array.from({ length: 40 }, (_, at) => `n${at}.example`);
  const answers = await Promise.all(
    hosts.map((name) => send(open, { ...request, tls_server_name: name })),
  );
  expect(answers.map((answer) => answer?.get("raw_body"))).toEqual(
    hosts.map((name) => `nobody at ${name} false`),
  );
  // A connection that was not verified is not used where it has to be.
  expect(await send(open, { method: "GET", url: good.origin })).toBeUndefined();
  expect(await send(open, { ...request, tls_insecure_skip_verify: false })).toBeUndefined();
});
