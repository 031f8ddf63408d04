import { describe, expect, test } from "vitest";
import { buildRequestHeaders } from "../proxy/headers.ts";
import { readTarget } from "../proxy/target.ts";
import {
  type inputDifferences,
  renderCompatibility,
  type resultDifferences,
} from "./compatibility.ts";
import type { RequestHead } from "./decision.ts";
import { neverPresent, planInput } from "./fields.ts";
import { buildInput } from "./input.ts";
import { decideVerdict, plainAllow } from "./verdict.ts";

test("docs/reference/opa-envoy-plugin.md is what the source says", async () => {
  await expect(renderCompatibility()).toMatchFileSnapshot(
    "../../../docs/reference/opa-envoy-plugin.md",
  );
});

const request: RequestHead = {
  method: "POST",
  target: "/a",
  protocol: "HTTP/1.1",
  scheme: "http",
  host: "shop",
  rawHeaders: ["Host", "shop"],
  source: { address: "10.0.0.9", port: 40_000 },
  destination: { address: "10.0.0.1", port: 3000 },
};

interface Sent {
  readonly target?: string;
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array;
  readonly truncated?: boolean;
}

/** What a policy that declares `fields`, or nothing, sees of a request. */
function see(fields: readonly string[] | null, sent: Sent = {}): unknown {
  const planned = planInput(fields, ["parsed_body"]);
  if (planned.kind === "unknown") return planned;
  const { target = request.target, headers = [], body, truncated = false } = sent;
  const built = buildInput(
    planned.plan,
    { ...request, target, rawHeaders: [...request.rawHeaders, ...headers] },
    body === undefined
      ? null
      : { bytes: typeof body === "string" ? new TextEncoder().encode(body) : body, truncated },
    { time: () => "2026-01-02T03:04:05.678Z", id: () => "id-1" },
  );
  const seen: unknown = built.kind === "input" ? JSON.parse(built.text) : built;
  return seen;
}

const http = "attributes.request.http";
const json = ["Content-Type", "application/json"];
const form = ["Content-Type", "application/x-www-form-urlencoded"];
const multipart = ["Content-Type", "multipart/form-data; boundary=b"];
const badBody = { kind: "refused", reason: "bad_body" };
const notUtf8 = Uint8Array.of(0x22, 0xff, 0x22);

/** `parsed_body` of these headers and this body. */
function parse(headers: readonly string[], body: string | Uint8Array): unknown {
  const seen = see(["parsed_body"], { headers, body });
  return typeof seen === "object" && seen !== null && "parsed_body" in seen
    ? seen.parsed_body
    : seen;
}

const inputs: Readonly<Record<keyof typeof inputDifferences, () => void>> = {
  absent: () => {
    for (const name of neverPresent) expect(see([name])).not.toHaveProperty(name);
    for (const name of neverPresent) expect(see(null)).not.toHaveProperty(name);
  },
  onDemand: () => {
    for (const name of ["attributes.request.time", `${http}.id`]) {
      expect(see(null)).not.toHaveProperty(name);
      expect(see([name])).toHaveProperty(name);
    }
    expect(see([`${http}.body`, `${http}.rawBody`], { body: "x" })).toEqual({
      attributes: { request: { http: { body: "x", rawBody: "eA==" } } },
    });
  },
  time: () => {
    const name = "attributes.request.time";
    expect(see([name])).toHaveProperty(name, "2026-01-02T03:04:05.678Z");
  },
  size: () => {
    const name = `${http}.size`;
    expect(see([name])).toHaveProperty(name, 0);
    expect(see([name], { headers: ["Content-Length", "7"] })).toHaveProperty(name, 7);
    expect(see([name], { headers: ["Transfer-Encoding", "chunked"] })).toHaveProperty(name, -1);
  },
  hostHeader: () => {
    expect(see([`${http}.headers.host`, `${http}.headers.:authority`])).toEqual({
      attributes: { request: { http: { headers: { host: "shop", ":authority": "shop" } } } },
    });
  },
  bodyRead: () => {
    expect(planInput(["parsed_body"])).toMatchObject({ plan: { bodyBytes: 65_536 } });
    expect(planInput(["parsed_path"])).toMatchObject({ plan: { bodyBytes: 0 } });
    const sent = { headers: json, body: '{"a"', truncated: true };
    expect(see(["parsed_body", "truncated_body"], sent)).toEqual({
      parsed_body: null,
      truncated_body: true,
    });
  },
  partialHeader: () => {
    const headers = ["X-Envoy-Auth-Partial-Body", "true"];
    expect(see(["truncated_body"], { headers, body: "x" })).toEqual({ truncated_body: false });
    const forwarding = {
      peer: "10.0.0.9",
      trusted: false,
      scheme: "http",
      upgrade: null,
      via: null,
    } as const;
    expect(buildRequestHeaders(headers, forwarding)).not.toContain("X-Envoy-Auth-Partial-Body");
  },
  path: () => {
    for (const path of ["/a%2Fb", "//a/b", "/a/../b", "/a\\b", "/a%00", "/a%ff"]) {
      expect(readTarget(path)).toMatchObject({ ok: false, reason: "ambiguous_request" });
    }
  },
  pathForm: () => {
    expect(readTarget("/%61dmin%2d1")).toMatchObject({ ok: true, target: "/admin-1" });
  },
  queryBytes: () => {
    expect(see(["parsed_query"], { target: "/?a=%ff" })).toEqual({
      parsed_query: { a: ["\ufffd"] },
    });
    expect(parse(form, "a=%ff")).toEqual({ a: ["\ufffd"] });
  },
  contentTypeCase: () => {
    expect(parse(["Content-Type", "Application/JSON"], "[1]")).toEqual([1]);
  },
  json: () => {
    const deep = "[".repeat(258) + "]".repeat(258);
    for (const body of ['{"a":1,"a":2}', String.raw`"\ud800"`, notUtf8, "1e999", deep]) {
      expect(parse(json, body)).toMatchObject(badBody);
    }
  },
  formBytes: () => {
    expect(parse(form, notUtf8)).toMatchObject(badBody);
  },
  multipart: () => {
    const part = 'Content-Disposition: form-data; name="a"';
    const whole = `--b\r\n${part}\r\n\r\nx\r\n--b--\r\n`;
    expect(parse(multipart, whole)).toEqual({ a: ["x"] });
    expect(parse(["Content-Type", "multipart/form-data"], whole)).toMatchObject(badBody);
    const bad = [
      `preamble\r\n${whole}`,
      `${whole}epilogue`,
      whole.replaceAll("\r\n", "\n"),
      whole.replace('; name="a"', ""),
      whole.replace('"a"', '"a"; name="c"'),
      whole.replace('name="a"', "name*=utf-8''a"),
      whole.replace(part, `${part}\r\n${part}`),
      whole.replace(part, `${part}\r\nContent-Transfer-Encoding: quoted-printable`),
    ];
    for (const body of bad) expect(parse(multipart, body)).toMatchObject(badBody);
  },
  grpc: () => {
    expect(parse(["Content-Type", "application/grpc"], "\0\0\0\0\0")).toBeNull();
  },
};

const refused = { kind: "deny", status: 403, reason: "policy_result" };

const results: Readonly<Record<keyof typeof resultDifferences, () => void>> = {
  failure: () => {
    for (const result of [undefined, "true", 1, null, [], {}, { allowed: "true" }]) {
      expect(decideVerdict(result)).toMatchObject(refused);
    }
    expect(decideVerdict({ allowed: true, headers: "x" })).toMatchObject(refused);
    expect(decideVerdict({ allowed: true, http_status: "x", body: 1 })).toEqual(plainAllow);
  },
  status: () => {
    for (const status of [200, 304, 100, 600, 403.5]) {
      expect(decideVerdict({ allowed: false, http_status: status })).toMatchObject(refused);
    }
    expect(decideVerdict({ allowed: false, http_status: 302 })).toMatchObject({ status: 302 });
  },
  framing: () => {
    for (const name of ["Host", "content-length", ":path"]) {
      expect(decideVerdict({ allowed: true, headers: { [name]: "1" } })).toMatchObject(refused);
      const removing = { allowed: true, request_headers_to_remove: [name] };
      expect(decideVerdict(removing)).toMatchObject(refused);
    }
  },
  headerText: () => {
    const added = { allowed: true, response_headers_to_add: { a: "b\r\nc: d" } };
    expect(decideVerdict(added)).toMatchObject(refused);
  },
  metadata: () => {
    expect(decideVerdict({ allowed: true, dynamic_metadata: { a: 1 } })).toEqual(plainAllow);
    expect(decideVerdict({ allowed: true, dynamic_metadata: "a" })).toMatchObject(refused);
  },
  bigNumbers: () => {
    const dynamic_metadata: unknown = JSON.parse('{"count":9007199254740993}');
    expect(decideVerdict({ allowed: true, dynamic_metadata })).toEqual(plainAllow);
    expect(decideVerdict({ allowed: false, http_status: 2 ** 53 })).toMatchObject(refused);
  },
  storage: () => {
    expect(decideVerdict({ allowed: true, ttl: 5, no_store: true })).toEqual(plainAllow);
    expect(decideVerdict({ allowed: true, ttl: "5s" })).toMatchObject(refused);
  },
};

describe("differences of the input are what the table says", () => {
  test.each(Object.entries(inputs))("%s", (_name, show) => {
    expect.hasAssertions();
    show();
  });
});

describe("differences of the result are what the table says", () => {
  test.each(Object.entries(results))("%s", (_name, show) => {
    expect.hasAssertions();
    show();
  });
});
