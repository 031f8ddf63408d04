import { expect, test } from "vitest";
import { packRevision } from "../archive.ts";
import { ask, askAdmin, bundleName, startTestBridge } from "./support.ts";

const path = `/bundles/${bundleName}`;

test.each([
  ["no token", null, 401, "token_missing"],
  ["a token that is not a token", "a,b", 401, "token_missing"],
  ["an unknown token", "bad", 401, "token_refused"],
  ["a person's token", "person", 403, "identity_forbidden"],
  ["a token that cannot be checked", "unlucky", 503, "authenticator_unavailable"],
])("refused: %s", async (_name, token, status, code) => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  const answer = await ask(running, path, { token });
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body.toString("utf8"))).toMatchObject({ error: { code } });
  expect(answer.headers["www-authenticate"] !== undefined).toBe(status !== 503);
});

test("a bundle, byte for byte, and conditional requests", async () => {
  const bytes = await packRevision("révision 1");
  const running = await startTestBridge({ files: { [bundleName]: bytes } });
  const first = await ask(running, path);
  expect(first).toMatchObject({ status: 200, body: bytes });
  expect(first.headers).toMatchObject({
    "content-type": "application/vnd.openpolicyagent.bundles",
    "content-length": String(bytes.length),
    "cache-control": "private, no-cache",
    "x-bundle-revision": "r%C3%A9vision%201",
  });
  const etag = first.headers.etag ?? "";
  expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
  const second = await ask(running, path, { headers: { "if-none-match": etag } });
  expect(second).toMatchObject({ status: 304, body: Buffer.alloc(0) });
  expect(second.headers.etag).toBe(etag);
  const head = await ask(running, path, { method: "HEAD" });
  expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  expect(head.headers).toMatchObject({ etag, "content-length": String(bytes.length) });
});

test.each([
  ["/bundles/absent.tar.gz", "GET", 404],
  ["/bundles/", "GET", 404],
  ["/bundles/..data", "GET", 404],
  ["/bundles/..data/policy.tar.gz", "GET", 404],
  ["/bundles/../../../../etc/passwd", "GET", 404],
  ["/bundles/%2e%2e%2fetc%2fpasswd", "GET", 404],
  ["/bundles//policy.tar.gz", "GET", 404],
  ["/bundles/policy.tar.gz%00", "GET", 404],
  ["/", "GET", 404],
  ["/v1/sync", "GET", 404],
  ["/v1/bouncers", "GET", 404],
  [path, "POST", 405],
  [path, "DELETE", 405],
])("%s by %2$s is %3$s", async (target, method, status) => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  expect(await ask(running, target, { method })).toMatchObject({ status });
});

test("a long poll is answered when the bundle changes", async () => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  const etag = (await ask(running, path)).headers.etag ?? "";
  const headers = { "if-none-match": etag, prefer: "modes=snapshot;wait=60" };
  const waiting = ask(running, path, { headers });
  const next = await packRevision("r2");
  await running.bundles.write({ [bundleName]: next });
  const answer = await waiting;
  expect(answer).toMatchObject({ status: 200, body: next });
  expect(answer.headers).toMatchObject({
    "preference-applied": "wait=60",
    "content-type": "application/vnd.openpolicyagent.bundles",
  });
});

test("a long poll ends when its time is up and when the bridge stops", async () => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  const etag = (await ask(running, path)).headers.etag ?? "";
  const poll = (seconds: number) =>
    ask(running, path, { headers: { "if-none-match": etag, prefer: `wait=${seconds}` } });
  expect(await poll(1)).toMatchObject({ status: 304 });
  const stopped = poll(60);
  const taken = 'authentications_total{result="accepted"} 3';
  await expect.poll(async () => (await askAdmin(running, "/metrics")).text).toContain(taken);
  await running.bridge.close();
  expect(await stopped).toMatchObject({ status: 304 });
});

test("a long poll for a bundle that is removed is answered 404", async () => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  const etag = (await ask(running, path)).headers.etag ?? "";
  const waiting = ask(running, path, { headers: { "if-none-match": etag, prefer: "wait=60" } });
  await running.bundles.write({});
  expect(await waiting).toMatchObject({ status: 404 });
});

test("the admin port: health, readiness, metrics, nothing else", async () => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  await ask(running, path);
  await ask(running, path, { token: "bad" });
  expect(await askAdmin(running, "/health")).toMatchObject({ status: 200 });
  expect(await askAdmin(running, "/ready")).toEqual({
    status: 200,
    text: '{"ready":true,"reasons":[]}\n',
  });
  const { text } = await askAdmin(running, "/metrics");
  expect(text).toContain('bouncer_bridge_bundle_info{bundle="policy.tar.gz",revision="r1"} 1');
  expect(text).toContain('bouncer_bridge_bundle_requests_total{status="200"} 1');
  expect(text).toContain('bouncer_bridge_authentications_total{result="token_refused"} 1');
  expect(text).toMatch(/bouncer_bridge_certificate_expiry_timestamp_seconds [1-9]/);
  expect(await askAdmin(running, "/nothing")).toMatchObject({ status: 404 });
  expect(await askAdmin(running, "/ready", "POST")).toMatchObject({ status: 405 });
});
