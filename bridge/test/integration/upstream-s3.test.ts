import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { packRevision } from "../archive.ts";
import { createDirectory } from "./support.ts";
import { findFreePort, openTestSource, startProgram } from "./upstream.ts";

const accessKeyId = "alice";
const secretAccessKey = "correct-horse";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A real server of objects, its bucket, and a way to write into it. */
async function startStore() {
  const directory = await createDirectory();
  const [objects, metadata] = [join(directory, "objects"), join(directory, "metadata")];
  await Promise.all([mkdir(objects), mkdir(metadata)]);
  const address = `127.0.0.1:${await findFreePort()}`;
  const keys = ["--access", accessKeyId, "--secret", secretAccessKey];
  // Metadata in files of its own: not every file system has extended attributes.
  const backend = ["posix", "--sidecar", metadata, objects];
  const server = startProgram("versitygw", ["--port", address, ...keys, ...backend]);
  await server.said(/listening on/);
  const endpoint = `http://${address}`;
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    // It says so a little before it listens.
    maxAttempts: 10,
  });
  onTestFinished(() => client.destroy());
  const Bucket = "policies";
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    endpoint,
    put: async (Key: string, Body: Buffer | string) => {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    remove: async (Key: string) => {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  };
}

async function writeCredentials(path: string, secret: string): Promise<void> {
  const lines = [
    "[default]",
    `aws_access_key_id=${accessKeyId}`,
    `aws_secret_access_key=${secret}`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
}

function useEnvironment(secret = secretAccessKey): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secret);
}

test("an object is had once, again when it has changed, and kept when it is gone", async () => {
  const store = await startStore();
  useEnvironment();
  const one = await packRevision("one");
  await store.put("team/policy.tar.gz", one);
  const { source, look } = openTestSource({
    BRIDGE_UPSTREAM: "s3://policies/team/policy.tar.gz",
    BRIDGE_S3_ENDPOINT: store.endpoint,
  });
  expect(await look()).toBe("changed");
  expect(source.get("policy.tar.gz")).toMatchObject({ revision: "one", bytes: one });
  expect(await look()).toBe("unchanged");
  await store.put("team/policy.tar.gz", await packRevision("two"));
  expect(await look()).toBe("changed");
  await store.remove("team/policy.tar.gz");
  expect(await look()).toBe("upstream_missing");
  expect(source.list()).toMatchObject([
    { bundle: { revision: "two" }, problem: { code: "upstream_missing" } },
  ]);
  expect(source.list()[0]?.problem?.message).toContain("status 404 (NoSuchKey)");
});

test.each([
  ["that is too large", "large.tar.gz", "bundle_too_large"],
  ["that is no bundle", "text.tar.gz", "bundle_broken"],
])("an object %s is said to be so", async (_name, key, code) => {
  const store = await startStore();
  useEnvironment();
  await store.put("large.tar.gz", Buffer.alloc(2000));
  await store.put("text.tar.gz", "text");
  const { look } = openTestSource({
    BRIDGE_UPSTREAM: `s3://policies/${key}`,
    BRIDGE_S3_ENDPOINT: store.endpoint,
    BRIDGE_MAX_BUNDLE_BYTES: "1000",
  });
  expect(await look()).toBe(code);
});

test("credentials from a file, which is renewed while the bridge runs", async () => {
  const store = await startStore();
  await store.put("policy.tar.gz", await packRevision("one"));
  const file = join(await createDirectory(), "credentials");
  await writeCredentials(file, "old");
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", file);
  const { source, look } = openTestSource({
    BRIDGE_UPSTREAM: "s3://policies/policy.tar.gz",
    BRIDGE_S3_ENDPOINT: store.endpoint,
  });
  expect(await look()).toBe("upstream_refused");
  expect(source.list()[0]?.problem?.message).toContain("SignatureDoesNotMatch");
  await writeCredentials(file, secretAccessKey);
  expect(await look()).toBe("changed");
});

test("nobody there", async () => {
  useEnvironment();
  const { source, look } = openTestSource({
    BRIDGE_UPSTREAM: "s3://policies/policy.tar.gz",
    BRIDGE_S3_ENDPOINT: "http://127.0.0.1:1",
  });
  expect(await look()).toBe("upstream_unreachable");
  expect(source.list()[0]?.problem?.message).toContain("ECONNREFUSED");
});
