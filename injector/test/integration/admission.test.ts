/** Requests over real TLS: good ones, and everything a client could send that is none. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FakeApi } from "./fake-api.ts";
import {
  caBundle,
  patchedPod,
  paths,
  pod,
  post,
  ready,
  responseOf,
  review,
  serverName,
  startCluster,
  startReplica,
} from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
let replica: Replica;
let ca: string;

beforeAll(async () => {
  api = await startCluster();
  replica = await startReplica(api);
  await ready(replica);
  ca = caBundle(api) ?? "";
});

afterAll(async () => {
  await replica.close();
  await api.close();
});

describe("a pod of a labelled namespace", () => {
  test("gets a bouncer that trusts the bridge's authority, and one log line", async () => {
    const reply = await post(replica.port, review(), { ca });
    expect(reply).toMatchObject({
      status: 200,
      body: {
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: "7f1c", allowed: true, patchType: "JSONPatch" },
      },
    });
    const { initContainers } = patchedPod(reply).spec;
    const names = initContainers.map((container) => container.name);
    expect(names).toEqual(["bouncer-redirect", "policy-loader", "bouncer-sidecar"]);
    expect(initContainers[2]?.env).toContainEqual({ name: "POLICY_SYNC_CA", value: ca });
    expect(replica.lines.filter((line) => line["uid"] === "7f1c")).toMatchObject([
      { namespace: "shop", pod: "orders-", result: "injected", reason: "injected", dryRun: false },
    ]);
  });

  test("is answered the same on a dry run", async () => {
    const reply = await post(replica.port, review({ dryRun: true }), { ca });
    expect(responseOf(reply)).toMatchObject({ allowed: true, patchType: "JSONPatch" });
  });

  test("that was injected already is left as it is", async () => {
    const object = patchedPod(await post(replica.port, review(), { ca }));
    const again = responseOf(await post(replica.port, review({ object }), { ca }));
    expect(again).toMatchObject({ allowed: true });
    expect(again).not.toHaveProperty("patch");
  });

  test("with an annotation that is not accepted is denied by name, value and what is accepted", async () => {
    const metadata = { ...pod.metadata, annotations: { "bouncer.dev/preset": "huge" } };
    const reply = await post(replica.port, review({ object: { ...pod, metadata } }), { ca });
    const { allowed, status } = responseOf(reply);
    expect(allowed).toBe(false);
    expect(status).toMatchObject({ code: 422, reason: "Invalid" });
    expect(status?.message).toMatch(/bouncer\.dev\/preset.*"huge".*small, medium, large/);
  });

  test("that opts out is left alone", async () => {
    const metadata = { ...pod.metadata, annotations: { "bouncer.dev/inject": "false" } };
    const response = responseOf(
      await post(replica.port, review({ object: { ...pod, metadata } }), { ca }),
    );
    expect(response).toEqual({
      uid: "7f1c",
      allowed: true,
      auditAnnotations: { result: "skipped", reason: "opted_out" },
    });
  });
});

describe("the namespace", () => {
  test("labelled a moment ago is asked for, since the cache may not know yet", async () => {
    api.put(paths.namespace("late"), { metadata: { labels: {} } });
    await api.until(() => api.get(paths.namespace("late")) !== undefined);
    const before = api.requests.filter((line) => line.endsWith("/namespaces/late")).length;
    const response = responseOf(await post(replica.port, review({ namespace: "late" }), { ca }));
    expect(response).toMatchObject({ allowed: true, warnings: [expect.stringMatching(/label/)] });
    const after = api.requests.filter((line) => line.endsWith("/namespaces/late")).length;
    expect(after).toBe(before + 1);
  });

  test("that does not exist is a clear refusal", async () => {
    const response = responseOf(await post(replica.port, review({ namespace: "gone" }), { ca }));
    expect(response).toMatchObject({ allowed: false, status: { code: 404 } });
    expect(response.status?.message).toContain('"gone"');
  });

  test("that cannot be asked for is a clear refusal", async () => {
    api.intercept(async (_method, path) => (path.endsWith("/namespaces/dark") ? 500 : undefined));
    const response = responseOf(await post(replica.port, review({ namespace: "dark" }), { ca }));
    expect(response).toMatchObject({ allowed: false, status: { code: 503 } });
    expect(response.status?.message).toMatch(/namespace "dark".*api_failed/);
  });
});

/** Resolves to all that came, when the connection has ended. */
async function collect(socket: Socket): Promise<string> {
  const received: Buffer[] = [];
  socket.on("data", (part: Buffer) => received.push(part));
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.on("close", resolve));
  return Buffer.concat(received).toString("latin1");
}

function openTls() {
  const socket = connectTls({ host: "127.0.0.1", port: replica.port, servername: serverName, ca });
  return { socket, received: collect(socket) };
}

/** One MiB. */
const chunk = `100000\r\n${" ".repeat(0x100000)}\r\n`;
const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;

describe("what is no admission request is refused", () => {
  test.each([
    { what: "another content type", type: "text/plain", body: "{}", status: 415 },
    { what: "no content type", type: "", body: "{}", status: 415 },
    { what: "an empty body", type: "application/json", body: "", status: 400 },
    { what: "truncated JSON", type: "application/json", body: review().slice(0, -9), status: 400 },
    { what: "no UTF-8", type: "application/json", body: Buffer.from([0xff, 0xfe]), status: 400 },
    { what: "JSON that is no object", type: "application/json", body: "[]", status: 400 },
    { what: "another object", type: "application/json", body: "{}", status: 400 },
    {
      what: "no request",
      type: "application/json",
      body: review({}, { request: null }),
      status: 400,
    },
    { what: "no uid", type: "application/json", body: review({ uid: undefined }), status: 400 },
    { what: "an empty uid", type: "application/json", body: review({ uid: "" }), status: 400 },
    {
      what: "a uid that is no text",
      type: "application/json",
      body: review({ uid: 7 }),
      status: 400,
    },
    {
      what: "v1beta1",
      type: "application/json",
      body: review({}, { apiVersion: "admission.k8s.io/v1beta1" }),
      status: 400,
    },
    { what: "deep nesting", type: "application/json", body: deep, status: 400 },
    {
      what: "a pod with deep nesting",
      type: "application/json",
      body: review({ object: "deep" }).replace('"deep"', deep),
      status: 400,
    },
    { what: "9 MiB", type: "application/json", body: " ".repeat(9 * 1024 * 1024), status: 413 },
  ])("$what: $status", async ({ type, body, status }) => {
    const reply = await post(replica.port, body, { ca, headers: { "content-type": type } });
    expect(reply.status).toBe(status);
    expect(JSON.stringify(reply.body)).toContain('"message":"Cannot ');
  });

  test("a compressed body: 415", async () => {
    const headers = { "content-encoding": "gzip" };
    const reply = await post(replica.port, gzipSync(review()), { ca, headers });
    expect(reply).toMatchObject({ status: 415, body: { code: "media_type_unsupported" } });
  });

  test.each([
    { method: "GET", path: "/mutate" },
    { method: "POST", path: "/" },
  ])("$method $path: 404", async ({ method, path }) => {
    expect(await post(replica.port, "", { ca, method, path })).toMatchObject({ status: 404 });
  });

  test.each([
    { what: "another operation", request: { operation: "DELETE" } },
    { what: "a subresource", request: { subResource: "eviction" } },
    {
      what: "another kind",
      request: { kind: { group: "apps", version: "v1", kind: "ReplicaSet" } },
    },
    { what: "no object", request: { object: null } },
    { what: "an object without spec", request: { object: { metadata: {} } } },
  ])("an admission of $what is answered, not allowed", async ({ request }) => {
    const reply = await post(replica.port, review(request), { ca });
    expect(reply.status).toBe(200);
    expect(responseOf(reply)).toMatchObject({ uid: "7f1c", allowed: false, status: { code: 400 } });
  });

  test("a pod whose fields are not what they should be is denied with the field", async () => {
    const object = { ...pod, spec: { containers: "none" } };
    const response = responseOf(await post(replica.port, review({ object }), { ca }));
    expect(response).toMatchObject({ allowed: false, status: { code: 422 } });
    expect(response.status?.message).toContain("containers");
  });

  test("plain HTTP is told that this is HTTPS", async () => {
    const socket = connect(replica.port, "127.0.0.1");
    socket.write("POST /mutate HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await collect(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*speaks HTTPS.*\n$/s);
  });

  test("a client that says TLS 1.1 gets no connection", async () => {
    const socket = connectTls({
      host: "127.0.0.1",
      port: replica.port,
      servername: serverName,
      ca,
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await expect(
      new Promise((resolve, reject) => {
        socket.on("secureConnect", resolve);
        socket.on("error", reject);
      }),
    ).rejects.toThrow(/protocol|version|alert/i);
  });

  const head = "POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

  test.each([
    {
      what: "9 MiB of which nobody says the length",
      sent: `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(9)}0\r\n\r\n`,
      answer: /^HTTP\/1\.1 413 .*body_too_large/s,
    },
    {
      what: "two lengths",
      sent: `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      answer: /^HTTP\/1\.1 400 /,
    },
    {
      what: "headers of 64 KiB",
      sent: `${head}x: ${"x".repeat(65_536)}\r\n\r\n`,
      answer: /^HTTP\/1\.1 431 /,
    },
    { what: "no HTTP at all", sent: "\0\u0001\u0002\r\n\r\n", answer: /^HTTP\/1\.1 400 / },
  ])("$what", async ({ sent, answer }) => {
    const client = openTls();
    client.socket.write(sent, "latin1");
    expect(await client.received).toMatch(answer);
  });

  test("a client that goes away in the middle leaves nothing behind", async () => {
    const client = openTls();
    await new Promise((resolve) => client.socket.on("secureConnect", resolve));
    client.socket.write(`${head}content-length: 1000\r\n\r\n{`, () => client.socket.destroy());
    expect(await client.received).toBe("");
    expect(responseOf(await post(replica.port, review(), { ca }))).toMatchObject({ allowed: true });
  });

  test("clients that stop in the middle are cut off in time, and others are served", async () => {
    const body = openTls();
    body.socket.write(`${head}content-length: 1000\r\n\r\n{`);
    const headers = openTls();
    headers.socket.write(head);
    const handshake = collect(connect(replica.port, "127.0.0.1"));
    expect(responseOf(await post(replica.port, review(), { ca }))).toMatchObject({ allowed: true });
    const received = await Promise.all([body.received, headers.received, handshake]);
    expect(received).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 408 /),
      expect.stringMatching(/^HTTP\/1\.1 408 /),
      "",
    ]);
  });

  test("and it is still ready, with everything counted", async () => {
    await ready(replica);
    const response = await fetch(`http://127.0.0.1:${replica.adminPort}/metrics`);
    const metrics = await response.text();
    expect(metrics).toContain(
      'bouncer_injector_admissions_total{result="denied",reason="invalid_annotation"} 1',
    );
    expect(metrics).toContain('bouncer_injector_requests_refused_total{code="body_too_large"} 2');
    expect(metrics).toContain('bouncer_injector_requests_refused_total{code="plain_http"} 1');
    expect(metrics).toContain('bouncer_injector_info{version="0.0.0-test",revision=""} 1');
    expect(metrics).toContain("bouncer_injector_ca_bundle_in_sync 1");
    expect(metrics).toMatch(/certificate_expiry_timestamp_seconds\{certificate="bridge"\} \d+/);
  });
});

test("what goes wrong inside refuses the pod and says so, and the next one is served", async () => {
  let broken = true;
  const { inject } = await import("../../src/inject/pod.ts");
  const buggy = await startReplica(api, {
    inject: (object, context) => {
      if (!broken) return inject(object, context);
      broken = false;
      throw new TypeError("x is not a function");
    },
  });
  await ready(buggy);
  const reply = await post(buggy.port, review(), { ca });
  expect(responseOf(reply)).toMatchObject({ uid: "7f1c", allowed: false, status: { code: 500 } });
  expect(buggy.lines).toContainEqual(expect.objectContaining({ msg: "bug in admission" }));
  expect(responseOf(await post(buggy.port, review(), { ca }))).toMatchObject({ allowed: true });
  await buggy.close();
});

test("an answer that is not ready in time is a refusal, before the API server gives up", async () => {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<undefined>();
  api.intercept((_method, path) => {
    if (!path.endsWith("/namespaces/slow")) return Promise.resolve(undefined);
    asked.resolve();
    return released.promise;
  });
  const reply = post(replica.port, review({ namespace: "slow" }), {
    ca,
    path: "/mutate?timeout=1s",
  });
  await asked.promise;
  expect(responseOf(await reply)).toMatchObject({ allowed: false, status: { code: 504 } });
  released.resolve(undefined);
});
