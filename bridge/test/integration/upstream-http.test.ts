import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packRevision } from "../archive.ts";
import { createCertificate, createDirectory } from "./support.ts";
import { openTestSource } from "./upstream.ts";

async function listen(server: Server, scheme = "http"): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return `${scheme}://localhost:${address.port}`;
}

/** A server of one file, with an ETag, that writes down what it was asked. */
async function serve(first: Buffer) {
  const requests: IncomingMessage[] = [];
  const file = { bytes: first, etag: '"1"', answer: null as RequestListener | null };
  const origin = await listen(
    createServer((request, response) => {
      requests.push(request);
      if (file.answer !== null) return file.answer(request, response);
      const isKnown = request.headers["if-none-match"] === file.etag;
      response.setHeader("etag", file.etag);
      if (isKnown) response.writeHead(304).end();
      else response.end(file.bytes);
    }),
  );
  return { origin, file, requests, url: `${origin}/policy.tar.gz` };
}

test("a file is had once, and again when it has changed", async () => {
  const [one, two] = await Promise.all([packRevision("one"), packRevision("two")]);
  const server = await serve(one);
  const { source, look, logged } = openTestSource({ BRIDGE_UPSTREAM: server.url });
  expect(source.isRead()).toBe(false);
  const changes: string[] = [];
  source.subscribe((name) => changes.push(name));

  expect(await look()).toBe("changed");
  expect(source.isRead()).toBe(true);
  expect(source.get("policy.tar.gz")).toMatchObject({ revision: "one", bytes: one });
  expect(await look()).toBe("unchanged");
  expect(server.requests.map(({ headers }) => headers["if-none-match"])).toEqual([
    undefined,
    '"1"',
  ]);
  Object.assign(server.file, { bytes: two, etag: '"2"' });
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")?.revision).toBe("two");
  expect(changes).toEqual(["policy.tar.gz", "policy.tar.gz"]);
  expect(await logged.has({ msg: "bundle changed", revision: "two" })).toBeDefined();
});

const answerWith =
  (status: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end();

test.each<[string, RequestListener, string, string]>([
  ["is gone", answerWith(404), "upstream_missing", "status 404"],
  ["is forbidden", answerWith(403), "upstream_refused", "status 403"],
  ["cannot be had", answerWith(500), "upstream_unreachable", "status 500"],
  [
    "is broken",
    (_request, response) => response.end("no archive"),
    "bundle_broken",
    "not a complete gzip-compressed tar archive",
  ],
  [
    "is too large",
    (_request, response) => response.end(Buffer.alloc(2000)),
    "bundle_too_large",
    "more than 1000 bytes",
  ],
  [
    "is cut off",
    (_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("x");
      response.once("drain", () => undefined);
      setImmediate(() => response.destroy());
    },
    "upstream_unreachable",
    "Cannot fetch",
  ],
  [
    "leads in circles",
    answerWith(302, { location: "/policy.tar.gz" }),
    "upstream_invalid",
    "redirects more than 3 times",
  ],
])(
  "what %s leaves what was there, and is had again later",
  async (_name, answer, code, message) => {
    const server = await serve(await packRevision("one"));
    const { source, look, logged } = openTestSource({
      BRIDGE_UPSTREAM: server.url,
      BRIDGE_MAX_BUNDLE_BYTES: "1000",
    });
    await look();
    server.file.answer = answer;
    expect(await look()).toBe(code);
    const [state] = source.list();
    expect(state).toMatchObject({ bundle: { revision: "one" }, problem: { code } });
    expect(state?.problem?.message).toContain(message);
    expect(await logged.has({ msg: "upstream problem" })).toMatchObject({ code });
    Object.assign(server.file, { answer: null, bytes: await packRevision("two"), etag: '"2"' });
    expect(await look()).toBe("changed");
    expect(source.list()).toMatchObject([{ bundle: { revision: "two" }, problem: null }]);
  },
);

test("nobody there: unread for a while, then given up waiting for", async () => {
  const { source, look } = openTestSource({
    BRIDGE_UPSTREAM: "http://127.0.0.1:1/policy.tar.gz",
  });
  for (let count = 0; count < 5; count += 1) {
    expect(source.isRead()).toBe(false);
    expect(await look()).toBe("upstream_unreachable");
  }
  expect(source.isRead()).toBe(true);
  expect(source.list()[0]?.problem?.message).toContain("ECONNREFUSED");
});

test("the token is that of the file as it is now, and goes to no other server", async () => {
  const directory = await createDirectory();
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "first\n");
  const elsewhere = await serve(await packRevision("elsewhere"));
  elsewhere.file.etag = '"of elsewhere"';
  const server = await serve(await packRevision("one"));
  const { source, look } = openTestSource({
    BRIDGE_UPSTREAM: server.url,
    BRIDGE_UPSTREAM_TOKEN_FILE: tokenFile,
  });
  await look();
  await writeFile(tokenFile, "second\n");
  server.file.answer = answerWith(307, { location: elsewhere.url });
  expect(await look()).toBe("changed");
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer first",
    "Bearer second",
  ]);
  expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  expect(source.get("policy.tar.gz")?.revision).toBe("elsewhere");
});

test("over TLS, with the authority that is configured, and never from there to plain HTTP", async () => {
  const plain = await serve(await packRevision("plain"));
  const certificate = createCertificate();
  const one = await packRevision("one");
  const origin = await listen(
    createTlsServer(
      { cert: certificate["tls.crt"], key: certificate["tls.key"] },
      (request, response) => {
        if (request.url === "/policy.tar.gz") response.end(one);
        else response.writeHead(302, { location: plain.url }).end();
      },
    ),
    "https",
  );
  const directory = await createDirectory();
  const ca = join(directory, "ca.crt");
  await writeFile(ca, certificate["tls.crt"]);
  const trusting = openTestSource({
    BRIDGE_UPSTREAM: `${origin}/policy.tar.gz`,
    BRIDGE_UPSTREAM_CA_FILE: ca,
  });
  expect(await trusting.look()).toBe("changed");
  const strict = openTestSource({ BRIDGE_UPSTREAM: `${origin}/policy.tar.gz` });
  expect(await strict.look()).toBe("upstream_unreachable");
  expect(strict.source.list()[0]?.problem?.message).toContain("self-signed");
  const led = openTestSource({
    BRIDGE_UPSTREAM: `policy.tar.gz=${origin}/other`,
    BRIDGE_UPSTREAM_CA_FILE: ca,
  });
  expect(await led.look()).toBe("upstream_invalid");
  expect(plain.requests).toEqual([]);
});

test("rollout.json may be elsewhere; then that of the directory is none", async () => {
  const server = await serve(Buffer.from('{"policy.tar.gz":{}}'));
  const directory = await createDirectory();
  await writeFile(join(directory, "rollout.json"), "{}");
  await writeFile(join(directory, "policy.tar.gz"), await packRevision("near"));
  const { source, look, rollouts } = openTestSource({
    BRIDGE_UPSTREAM: `directory,${server.origin}/rollout.json`,
    BRIDGE_BUNDLE_DIRECTORY: directory,
  });
  await look();
  expect(rollouts).toEqual([{ text: '{"policy.tar.gz":{}}' }]);
  expect(source.list()).toMatchObject([{ name: "policy.tar.gz", bundle: { revision: "near" } }]);
  server.file.answer = answerWith(500);
  await look();
  expect(rollouts.at(-1)).toMatchObject({ problem: { code: "upstream_unreachable" } });
});

test("of a name that both have, the one from elsewhere counts", async () => {
  const server = await serve(await packRevision("far"));
  const directory = await createDirectory();
  await writeFile(join(directory, "policy.tar.gz"), await packRevision("near"));
  const { source, look } = openTestSource({
    BRIDGE_UPSTREAM: `directory,${server.url}`,
    BRIDGE_BUNDLE_DIRECTORY: directory,
  });
  await look();
  expect(source.list()).toMatchObject([{ bundle: { revision: "far" } }]);
});
