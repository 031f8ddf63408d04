/** Story 16: gRPC through the bouncer, and clients of other versions of HTTP than the application. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { apply, containerLog, execute, pod, rolledOut, tryKubectl } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import {
  bearer,
  grpcCall,
  grpcContainer,
  grpcPort,
  grpcService,
  publishStreams,
  publishUsual,
  streamsPolicy,
} from "./orders.ts";
import { deployment } from "./workloads.ts";

const { appImage: image } = readEnvironment();
let namespace = "";
let outside = "";
let client: Client;
let app: Pod;

beforeAll(async () => {
  await publishStreams(["viewer", "editor"]);
  namespace = await createNamespace("grpc", injected, streamsPolicy);
  outside = await createNamespace("outside");
  // What Services say counts when pods are created.
  await apply(
    grpcService(namespace, "orders"),
    grpcService(namespace, "spoken", { appProtocol: "kubernetes.io/h2c" }),
  );
  const options = { image, container: grpcContainer };
  await apply(deployment(namespace, "orders", options), deployment(namespace, "spoken", options));
  client = await createClient(outside, image);
  await rolledOut(namespace, "deployment/orders");
  await rolledOut(namespace, "deployment/spoken");
  app = await pod(namespace, "app=orders");
  // The Service's address leads to the pod a moment after that is ready.
  await eventually(answered);
});

afterAll(async () => {
  await publishUsual();
  await Promise.all([namespace, outside].filter((name) => name !== "").map(deleteNamespace));
});

interface Called {
  readonly ok: boolean;
  readonly messages: readonly unknown[];
  readonly status: unknown;
}

async function call(method: string, ...rest: readonly string[]): Promise<Called> {
  const command = grpcCall(`orders.${namespace}.svc:${grpcPort}`, method, ...rest);
  const { namespace: place, name } = client.pod.metadata;
  const inClient = `exec -n ${place} ${name} -c client --`.split(" ");
  const { code, stdout, stderr } = await tryKubectl([...inClient, ...command]);
  const lines = stdout.trim().split("\n");
  if (stdout.trim() === "") throw new Error(stderr);
  const parsed = lines.map((line): unknown => JSON.parse(line));
  return { ok: code === 0, messages: parsed.slice(0, -1), status: parsed.at(-1) };
}

/** By the bouncer: who does not say who calls is refused. */
async function answered(): Promise<void> {
  const { status } = await call("/example.Orders/Get");
  const text = JSON.stringify(status);
  if (!text.includes("UNAUTHENTICATED")) throw new Error(text);
}

const asBob = `authorization=${bearer("bob")}`;

test("a unary call that is allowed reaches the application, with what the policy says of the caller", async () => {
  const { ok, messages, status } = await call("/example.Orders/Get", asBob, `{"id":7}`);
  expect({ ok, status }).toMatchObject({ ok: true, status: { code: 0 } });
  expect(messages).toMatchObject([
    {
      request: { id: 7 },
      headers: { "x-user": "bob", "x-forwarded-for": client.address, via: "2 bouncer" },
    },
  ]);
  expect(JSON.stringify(messages)).not.toContain("bob-token");
});

test("streams in either direction are carried", async () => {
  const watched = await call("/example.Orders/Watch", asBob, `{"ticks":3,"intervalMs":10}`);
  expect(watched).toMatchObject({ ok: true, messages: [{ tick: 1 }, { tick: 2 }, { tick: 3 }] });
  const talked = await call("/example.Orders/Talk", asBob, `{"a":1}`, `{"b":2}`);
  expect(talked).toMatchObject({ ok: true, messages: [{ a: 1 }, { b: 2 }] });
});

test.each([
  ["unary", "/grpc.health.v1.Health/Check"],
  ["streaming", "/example.Others/Watch"],
])("a %s call that is refused fails in the language of gRPC", async (_, method) => {
  expect(await call(method, asBob)).toEqual({
    ok: false,
    messages: [],
    status: { code: 7, status: "PERMISSION_DENIED", details: "not allowed\n" },
  });
});

test("a caller that nobody knows is told that", async () => {
  expect(await call("/example.Orders/Get")).toMatchObject({
    ok: false,
    status: { code: 16, status: "UNAUTHENTICATED" },
  });
});

test("calls leave audit records, which name the protocol", async () => {
  const method = `/example.Orders/None${Date.now()}`;
  await call(method, asBob);
  const record = await eventually(async () => {
    const lines = (await containerLog(app, "bouncer-sidecar")).split("\n");
    const found = lines.find((line) => line.includes("decision_logs") && line.includes(method));
    if (found === undefined) throw new Error("no record yet");
    return JSON.parse(found) as unknown;
  });
  expect(record).toMatchObject({
    verdict: "allow",
    status: 200,
    input: { attributes: { request: { http: { protocol: "HTTP/2" } } } },
  });
});

/** Runs in the client's pod: one gRPC call as a client of HTTP/1.1 may make it. */
const http1Script = `
const [url, authorization] = process.argv.slice(1);
const headers = { "content-type": "application/grpc", te: "trailers", authorization };
const request = require("node:http").request(url, { method: "POST", headers }, (response) => {
  const parts = [];
  response.on("data", (part) => parts.push(part));
  response.on("end", () => console.log(JSON.stringify({
    status: response.statusCode, version: response.httpVersion, reason: response.headers["x-bouncer-reason"],
    message: Buffer.concat(parts).subarray(5).toString(), trailers: response.trailers,
  })));
});
const message = Buffer.from('{"id":8}');
const head = Buffer.alloc(5);
head.writeUInt32BE(message.length, 1);
request.end(Buffer.concat([head, message]));
`;

async function askByHttp1(name: string): Promise<unknown> {
  const url = `http://${name}.${namespace}.svc:${grpcPort}/example.Orders/Get`;
  const command = ["node", "-e", http1Script, url, bearer("bob")];
  return JSON.parse(await execute(client.pod, "client", command));
}

describe("a client of HTTP/1.1, and an application that speaks HTTP/2 only", () => {
  test("come together where the Service says appProtocol kubernetes.io/h2c", async () => {
    const { metadata } = await pod(namespace, "app=spoken");
    expect(metadata.annotations?.["bouncer.dev/status"]).toContain(
      `"serviceProtocols":"${grpcPort}:h2c"`,
    );
    expect(await askByHttp1("spoken")).toMatchObject({
      status: 200,
      version: "1.1",
      message: expect.stringContaining(`"request":{"id":8}`) as string,
      trailers: { "grpc-status": "0" },
    });
  });

  test("do not where nobody says so: the bouncer speaks what the client speaks", async () => {
    // In gRPC every answer of the bouncer is one of gRPC.
    expect(await askByHttp1("orders")).toMatchObject({ status: 200, reason: "app_failed" });
  });
});
