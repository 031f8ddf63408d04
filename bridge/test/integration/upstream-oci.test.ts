import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packRevision } from "../archive.ts";
import {
  basic,
  pushImage,
  pushIndex,
  startPasswordRegistry,
  startRegistry,
  startTokenRegistry,
} from "./registry.ts";
import { createDirectory } from "./support.ts";
import { openTestSource } from "./upstream.ts";

const open = (host: string, image: string, more: Readonly<Record<string, string>> = {}) =>
  openTestSource({ BRIDGE_UPSTREAM: `oci+http://${host}/${image}`, ...more });

test("what a tag names is had once, and again when the tag has moved", async () => {
  const registry = await startRegistry();
  const one = await packRevision("one");
  await pushImage(registry, "team/policy:stable", one);
  const { source, look } = open(registry.host, "team/policy:stable");
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")).toMatchObject({ revision: "one", bytes: one });
  expect(await look()).toBe("unchanged");
  await pushImage(registry, "team/policy:stable", await packRevision("two"));
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")?.revision).toBe("two");
});

test("a digest names one content for good", async () => {
  const registry = await startRegistry();
  const { digest } = await pushImage(registry, "policy:a", await packRevision("one"));
  await pushImage(registry, "policy:a", await packRevision("two"));
  const { source, look } = open(registry.host, `policy@${digest}`);
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")?.revision).toBe("one");
});

test("of an index, the first image that has a bundle, and never an attestation", async () => {
  const registry = await startRegistry();
  const other = await pushImage(registry, "policy:x", Buffer.from("x"), "text/plain");
  const decoy = await pushImage(registry, "policy:y", await packRevision("decoy"));
  const bundle = await pushImage(registry, "policy:z", await packRevision("one"));
  const platform = { os: "unknown", architecture: "unknown" };
  await pushIndex(registry, "policy:all", [{ ...decoy, platform }, other, bundle]);
  const { source, look } = open(registry.host, "policy:all");
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")?.revision).toBe("one");
});

test.each([
  ["without a bundle", "policy:none", "upstream_invalid", "no layer of type"],
  ["that is not there", "policy:other", "upstream_missing", "status 404"],
  ["that is too large", "policy:large", "bundle_too_large", "more than 1000 bytes"],
])("an image %s is said to be so", async (_name, image, code, message) => {
  const registry = await startRegistry();
  await pushImage(registry, "policy:none", Buffer.from("x"), "text/plain");
  await pushImage(registry, "policy:large", Buffer.alloc(2000));
  const { source, look } = open(registry.host, image, { BRIDGE_MAX_BUNDLE_BYTES: "1000" });
  expect(await look()).toBe(code);
  expect(source.list()[0]?.problem?.message).toContain(message);
});

async function writeCredentials(path: string, host: string, authorization: string): Promise<void> {
  const auth = authorization.slice("Basic ".length);
  await writeFile(path, JSON.stringify({ auths: { [host]: { auth } } }));
}

test("a registry that wants tokens: asked for, kept while they last, with credentials that change", async () => {
  const registry = await startTokenRegistry();
  const { host, origin } = registry;
  const pusher = { host, origin, authorization: registry.authorizationFor("team/policy") };
  await pushImage(pusher, "team/policy:1", await packRevision("one"));
  const credentials = join(await createDirectory(), "config.json");
  const wrong = `Basic ${Buffer.from("alice:wrong").toString("base64")}`;
  await writeCredentials(credentials, host, wrong);
  const { source, look } = open(host, "team/policy:1", {
    BRIDGE_OCI_CREDENTIALS_FILE: credentials,
  });
  expect(await look()).toBe("upstream_refused");
  expect(source.list()[0]?.problem?.message).toContain("no token, but status 401");

  // The secret is renewed while the bridge runs.
  await writeCredentials(credentials, host, basic);
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")?.revision).toBe("one");
  expect(await look()).toBe("unchanged");
  expect(registry.asked.map(({ authorization }) => authorization)).toEqual([wrong, basic]);
  expect(registry.asked[1]?.url).toBe(
    "/token?service=registry.test&scope=repository%3Ateam%2Fpolicy%3Apull",
  );
});

test("a token that has ended is replaced", async () => {
  const registry = await startTokenRegistry();
  registry.lifetime.seconds = 1;
  const { host, origin } = registry;
  const pusher = { host, origin, authorization: registry.authorizationFor("policy") };
  await pushImage(pusher, "policy:1", await packRevision("one"));
  const credentials = join(await createDirectory(), "config.json");
  await writeCredentials(credentials, `http://${host}/v1/`, basic);
  const { look } = open(host, "policy:1", { BRIDGE_OCI_CREDENTIALS_FILE: credentials });
  expect(await look()).toBe("changed");
  expect(await look()).toBe("unchanged");
  // Not believed for the last ten seconds of its life: one for each request.
  expect(registry.asked.length).toBeGreaterThanOrEqual(3);
});

test("a registry that wants a password", async () => {
  const registry = await startPasswordRegistry();
  await pushImage(registry, "policy:1", await packRevision("one"));
  const credentials = join(await createDirectory(), "config.json");
  await writeFile(credentials, '{"auths": {"secret!');
  const { source, look } = open(registry.host, "policy:1", {
    BRIDGE_OCI_CREDENTIALS_FILE: credentials,
  });
  expect(await look()).toBe("upstream_refused");
  expect(source.list()[0]?.problem?.message).toContain("not a Docker config.json");
  expect(source.list()[0]?.problem?.message).not.toContain("secret!");
  await writeFile(
    credentials,
    JSON.stringify({
      auths: { [registry.host]: { username: "alice", password: "correct horse" } },
    }),
  );
  expect(await look()).toBe("changed");
  const nameless = open(registry.host, "policy:1");
  expect(await nameless.look()).toBe("upstream_refused");
});

/** A registry that lies. */
async function startLiar(answers: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    const body = answers[(request.url ?? "").split("/").at(-1) ?? ""];
    if (body === undefined) response.writeHead(404).end();
    else response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return address === null || typeof address === "string" ? "" : `127.0.0.1:${address.port}`;
}

const digest = `sha256:${"a".repeat(64)}`;
const manifest = JSON.stringify({
  layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size: 3 }],
});

test.each([
  [
    "a layer that is not what its digest says",
    { "1": manifest, [digest]: "abc" },
    "policy:1",
    "the layer is",
  ],
  [
    "a manifest that is not what was asked for",
    { [digest]: manifest },
    `policy@${digest}`,
    "the manifest is",
  ],
  ["something else than a manifest", { "1": "<html>" }, "policy:1", "not one of an image"],
])("%s is not taken", async (_name, answers, image, message) => {
  const { source, look } = open(await startLiar(answers), image);
  expect(await look()).toBe("upstream_invalid");
  expect(source.list()[0]?.problem?.message).toContain(message);
});
