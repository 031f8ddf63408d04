/** Story 18: clients speak TLS to the bouncer, with a certificate from a Secret. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueAuthority, type KeyedCertificate } from "../certs/src/authority.ts";
import { createIdentity } from "../certs/src/key-pair.ts";
import { issueServing } from "../certs/src/serving.ts";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { apply, execute, pod, rolledOut } from "./kubernetes.ts";
import { kubectlBouncer } from "./kubectl-bouncer.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed, refused } from "./policy.ts";
import { deployment, service } from "./workloads.ts";

const { appImage: image } = readEnvironment();
const day = 24 * 3600 * 1000;
let namespace = "";
let outside = "";
let client: Client;
let authority: KeyedCertificate;

/** The Secret has a new certificate; resolves to the serial number of that. */
async function issue(): Promise<string> {
  const identity = await createIdentity(2048);
  const [notBefore, notAfter] = [Date.now() - day, Date.now() + day];
  const dnsNames = [`orders.${namespace}.svc`] as const;
  const { certificate, key } = issueServing({ identity, authority, dnsNames, notBefore, notAfter });
  const data = { "tls.crt": certificate, "tls.key": key };
  await apply({
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name: "orders-tls", namespace },
    stringData: data,
  });
  return identity.serial.toUpperCase();
}

beforeAll(async () => {
  namespace = await createNamespace("tls", injected);
  outside = await createNamespace("outside");
  const identity = await createIdentity(2048);
  const [notBefore, notAfter] = [Date.now() - day, Date.now() + day];
  authority = issueAuthority({ identity, commonName: "stories", notBefore, notAfter });
  client = await createClient(outside, image);
});

afterAll(async () => {
  await Promise.all([namespace, outside].filter((name) => name !== "").map(deleteNamespace));
});

/** Runs in the client's pod: one request each over what the client is willing to speak. */
const script = `
const [host, ca, method, path, authorization, protocol] = process.argv.slice(1);
const print = (answer) => { console.log(JSON.stringify(answer)); process.exit(0); };
const fail = (error) => print({ failure: error.code ?? error.message });
const told = (socket) => ({ alpn: socket.alpnProtocol, serial: socket.getPeerCertificate().serialNumber });
if (protocol === "h2") {
  const session = require("node:http2").connect("https://" + host, { ca });
  session.on("error", fail);
  const stream = session.request({ ":method": method, ":path": path, authorization });
  let status = 0, text = "", seen = {};
  stream.on("response", (headers) => { status = headers[":status"]; seen = told(session.socket); });
  stream.on("data", (part) => { text += part; });
  stream.on("end", () => print({ status, text, ...seen }));
} else {
  const options = { ca, method, headers: { authorization }, ALPNProtocols: ["h2", "http/1.1"] };
  const request = require("node:https").request("https://" + host + path, options, (response) => {
    const seen = told(request.socket);
    let text = "";
    response.on("data", (part) => { text += part; });
    response.on("end", () => print({ status: response.statusCode, text, ...seen }));
  });
  request.on("error", fail).end();
}
`;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly alpn: string;
  readonly serial: string;
}

async function ask(
  { method, path, headers }: typeof allowed,
  protocol: "h2" | "http/1.1",
): Promise<Answer> {
  const host = `orders.${namespace}.svc`;
  const values = [host, authority.certificate, method, path, headers["authorization"] ?? ""];
  const command = ["node", "-e", script, ...values, protocol];
  return JSON.parse(await execute(client.pod, "client", command)) as Answer;
}

test("the pod waits for its certificate, serves with it, and takes the next one without a restart", async () => {
  const annotations = {
    "bouncer.dev/tls-secret": "orders-tls",
    "bouncer.dev/app-protocols": "http=http1",
  };
  const readinessProbe = { httpGet: { path: "/health", port: "http" }, periodSeconds: 1 };
  await apply(
    service(namespace, "orders", "http", { port: 443, appProtocol: "https" }),
    deployment(namespace, "orders", { image, annotations, container: { readinessProbe } }),
  );
  await eventually(async () => {
    const { metadata } = await pod(namespace, "app=orders");
    const { stdout } = await kubectlBouncer(`diagnose ${metadata.name} -n ${namespace}`);
    expect(stdout).toContain(`Secret "orders-tls" does not exist`);
  });

  const first = await issue();
  await rolledOut(namespace, "deployment/orders");
  const app = await pod(namespace, "app=orders");

  for (const alpn of ["http/1.1", "h2"] as const) {
    const answer = await ask(allowed, alpn);
    expect(answer).toMatchObject({ status: 200, alpn, serial: first });
    // Without TLS, and in the version that it understands.
    const { headers } = JSON.parse(answer.text) as { headers: Readonly<Record<string, string>> };
    expect(headers).toMatchObject({ "x-forwarded-proto": "https", "x-user": "bob" });
    expect(await ask(refused, alpn)).toMatchObject({ status: 403, alpn });
  }
  const plain = await client.request({ url: `http://orders.${namespace}.svc:443/orders/7` });
  expect(plain.kind).toBe("failure");

  const { stdout } = await kubectlBouncer(`diagnose ${app.metadata.name} -n ${namespace}`);
  expect(stdout).not.toMatch(/^fail/m);
  expect(stdout).toContain("was answered by the bouncer");

  const second = await issue();
  expect(second).not.toBe(first);
  await eventually(
    async () => expect(await ask(allowed, "http/1.1")).toMatchObject({ serial: second }),
    { timeoutMs: 200_000, intervalMs: 1000 },
  );
  const after = await pod(namespace, "app=orders");
  expect(after.metadata.uid).toBe(app.metadata.uid);
  const statuses = after.status.initContainerStatuses ?? [];
  expect(statuses.map(({ restartCount }) => restartCount)).toEqual(statuses.map(() => 0));
});
