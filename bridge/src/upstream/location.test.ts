import { expect, test } from "vitest";
import { parseLocations } from "./location.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each<[string, object]>([
  ["https://h.example/p/policy.tar.gz", { kind: "http", name: "policy.tar.gz" }],
  ["http://h.example:8080/policy.tar.gz?v=1", { kind: "http", name: "policy.tar.gz" }],
  ["shop.tar.gz=https://h.example/bundles/shop?a=b", { kind: "http", name: "shop.tar.gz" }],
  ["https://h.example/rollout.json", { kind: "http", name: "rollout.json" }],
  [
    "s3://policies/team/policy.tar.gz",
    { kind: "s3", name: "policy.tar.gz", bucket: "policies", key: "team/policy.tar.gz" },
  ],
  ["s3://policies/a%20b/policy.tar.gz", { kind: "s3", key: "a b/policy.tar.gz" }],
  [
    "oci://registry.example/team/policy:v1.2",
    {
      kind: "oci",
      name: "policy.tar.gz",
      registry: "https://registry.example",
      repository: "team/policy",
      reference: "v1.2",
    },
  ],
  [
    `next.tar.gz=oci+http://localhost:5000/policy@${digest}`,
    { name: "next.tar.gz", registry: "http://localhost:5000", reference: digest },
  ],
])("%s", (text, location) => {
  expect(parseLocations(text)).toMatchObject({
    hasDirectory: false,
    remote: [{ text, ...location }],
  });
});

test("several, and the directory", () => {
  expect(parseLocations("directory")).toEqual({ hasDirectory: true, remote: [] });
  expect(parseLocations("https://h/a.tar.gz, directory ,s3://b/c.tar.gz")).toMatchObject({
    hasDirectory: true,
    remote: [{ name: "a.tar.gz" }, { name: "c.tar.gz" }],
  });
});

test.each([
  ["no URL", "policy.tar.gz"],
  ["another scheme", "ftp://h.example/policy.tar.gz"],
  ["a URL without a name", "https://h.example/policies"],
  ["a name that is none", "policy=https://h.example/policies"],
  ["credentials", "https://user:secret@h.example/policy.tar.gz"],
  ["a fragment", "https://h.example/policy.tar.gz#x"],
  ["an image without a tag", "oci://registry.example/policy"],
  ["an image in upper case", "oci://registry.example/Policy:v1"],
  ["a digest that is cut", "oci://registry.example/policy@sha256:abc"],
  ["a bucket without a key", "s3://policies"],
  ["a query of a bucket", "s3://policies/policy.tar.gz?version=1"],
  ["a name twice", "https://a.example/policy.tar.gz,s3://b/policy.tar.gz"],
  ["nothing between commas", "https://a.example/policy.tar.gz,,directory"],
])("refused: %s", (_name, text) => {
  expect(parseLocations(text)).toBeNull();
});
