import { readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { etagOf } from "./bundles.ts";
import { errorTable } from "./errors.ts";
import {
  bouncerMessageSchema,
  bridgeMessageSchema,
  bundlesPath,
  closeCode,
  type Hello,
  type Hint,
  limits,
  type Status,
  syncPath,
} from "./protocol.ts";
import {
  helloFromV1,
  helloToV1,
  helloV1Schema,
  hintFromV1,
  hintToV1,
  hintV1Schema,
  statusFromV1,
  statusToV1,
  statusV1Schema,
} from "./protocol-v1.ts";
import { decodeHello, decodeStatus, encodeHint } from "./wire.ts";

const page = readFileSync(new URL("../../docs/bridge-protocol.md", import.meta.url), "utf8");
const [current = "", old = ""] = page.split("\n## Version 1\n");

function examplesOf(text: string): readonly unknown[] {
  return [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = ""]): unknown =>
    JSON.parse(json),
  );
}

function kindOf(example: unknown): string {
  return v.parse(v.looseObject({ kind: v.string() }), example).kind;
}

/** As the schema gives it back: what it does not know is missing. */
const messages = v.union([bouncerMessageSchema, bridgeMessageSchema]);
const oldMessages = v.union([helloV1Schema, hintV1Schema, statusV1Schema]);

describe("docs/bridge-protocol.md", () => {
  test.each(examplesOf(current).map((example) => [kindOf(example), example]))(
    "example of %s",
    (_kind, example) => {
      expect(v.parse(messages, example)).toEqual(example);
    },
  );

  test.each(examplesOf(old).map((example) => [kindOf(example), example]))(
    "example of %s, version 1",
    (_kind, example) => {
      expect(v.parse(oldMessages, example)).toEqual(example);
    },
  );

  test("has an example of every message", () => {
    const kinds = ["hello", "hint", "status"];
    expect(new Set(examplesOf(current).map(kindOf))).toEqual(new Set(kinds));
    expect(examplesOf(old).map(kindOf)).toEqual(kinds);
  });

  test.each(Object.entries(limits))("has the limit %s", (name, limit) => {
    expect(page).toMatch(new RegExp(`\\| \`${name}\`: [^|]*\\| ${limit} +\\|`));
  });

  test("has every code and path", () => {
    for (const code of Object.values(closeCode)) expect(page).toContain(`| ${code} |`);
    for (const path of [syncPath, bundlesPath]) expect(page).toContain(path);
    const reasons = [...page.matchAll(/^\| 1008 \| `([a-z_]+)`/gm)].map(([, code = ""]) => code);
    expect(reasons.length).toBe(4);
    for (const code of reasons) expect(Object.keys(errorTable)).toContain(code);
  });
});

const hello: Hello = {
  kind: "hello",
  protocol: 2,
  bouncer: "shop/cart-1",
  version: "1.0.0",
  bundles: ["a.tar.gz"],
};
const hint: Hint = {
  kind: "hint",
  bundle: "a.tar.gz",
  revision: "r1",
  url: "/bundles/a.tar.gz",
  sha256: "a".repeat(64),
  candidate: null,
};
const status: Status = {
  kind: "status",
  bundles: [
    { bundle: "a.tar.gz", revision: "r1", sha256: "a".repeat(64), error: null, candidate: null },
  ],
  decisions: 0,
  refused: 0,
};

test("what both versions can say is the same after the way there and back", () => {
  expect(helloFromV1(helloToV1(hello))).toEqual(hello);
  expect(statusFromV1(statusToV1(status), "a.tar.gz")).toEqual(status);
  expect(hintFromV1(hintToV1(hint), "a.tar.gz")).toEqual(hint);
});

test.each([
  ["version 2", hello, { kind: "hello", hello, protocol: 2 }],
  ["version 1", helloToV1(hello), { kind: "hello", hello, protocol: 1 }],
  [
    "a later version",
    { kind: "hello", protocol: 3 },
    { kind: "refused", code: "protocol_unsupported" },
  ],
  [
    "version 2 without bundles",
    { ...hello, bundles: [] },
    { kind: "refused", code: "message_invalid" },
  ],
  [
    "more bundles than are served",
    { ...hello, bundles: Array.from({ length: 17 }, (_, index) => `${index}.tar.gz`) },
    { kind: "refused", code: "message_invalid" },
  ],
  [
    "version 1 without a bundle",
    { ...hello, protocol: 1 },
    { kind: "refused", code: "message_invalid" },
  ],
  ["a status", status, { kind: "refused", code: "hello_missing" }],
  ["no message", [], { kind: "refused", code: "message_invalid" }],
])("hello: %s", (_name, message, greeting) => {
  expect(decodeHello(JSON.stringify(message))).toEqual(greeting);
});

test("status and hint in the version of the connection", () => {
  expect(decodeStatus(JSON.stringify(status), 2, hello)).toEqual(status);
  expect(decodeStatus(JSON.stringify(statusToV1(status)), 1, hello)).toEqual(status);
  expect(decodeStatus(JSON.stringify(status), 2, { ...hello, bundles: ["b.tar.gz"] })).toBeNull();
  expect(decodeStatus("{", 2, hello)).toBeNull();
  expect(JSON.parse(encodeHint(hint, 2))).toEqual(hint);
  expect(JSON.parse(encodeHint(hint, 1))).toEqual(hintToV1(hint));
});

test("the ETag is what hints announce", () => {
  const bundle = { name: "a.tar.gz", revision: "", sha256: hint.sha256, bytes: Buffer.alloc(0) };
  expect(etagOf(bundle)).toBe(`"${hint.sha256}"`);
});
