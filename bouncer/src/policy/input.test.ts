import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConnectionHead, RequestBody, RequestHead } from "./decision.ts";
import { type InputPlan, planInput } from "./fields.ts";
import { buildConnectionInput, buildInput, type InputResult } from "./input.ts";

const context = { time: () => "2026-01-02T03:04:05.678Z", id: () => "id-1" };

const head: RequestHead = {
  method: "POST",
  target: "/orders/7%20a?tag=a&tag=b+c&empty&x=%C3%A9",
  protocol: "HTTP/1.1",
  scheme: "http",
  host: "shop.example",
  rawHeaders: ["Host", "shop.example", "X-A", "1", "x-a", "2", "Cookie", "a=1", "cookie", "b=2"],
  source: { address: "10.0.0.9", port: 40_000 },
  destination: { address: "10.0.0.1", port: 3000 },
};

function plan(declared: readonly string[] | null): InputPlan {
  const result = planInput(declared);
  if (result.kind === "unknown") throw new Error(`unknown field ${result.field}`);
  return result.plan;
}

function input(
  declared: readonly string[] | null,
  request = head,
  body: RequestBody | null = null,
) {
  const result = buildInput(plan(declared), request, body, context);
  return seenOf(result);
}

/** As the policy sees it. */
function seenOf(result: InputResult): unknown {
  return result.kind === "input" ? result.input : result;
}

const bodyOf = (text: string, truncated = false): RequestBody => ({
  bytes: new TextEncoder().encode(text),
  truncated,
});

const withHeaders = (...rawHeaders: string[]): RequestHead => ({ ...head, rawHeaders });
const json = withHeaders("Content-Type", "application/json; charset=utf-8");
const form = withHeaders("content-type", "application/x-www-form-urlencoded");

test("without a declaration, the whole document but time, id and body", () => {
  expect(input(null)).toEqual({
    attributes: {
      source: { address: { socketAddress: { address: "10.0.0.9", portValue: 40_000 } } },
      destination: { address: { socketAddress: { address: "10.0.0.1", portValue: 3000 } } },
      request: {
        http: {
          method: "POST",
          path: "/orders/7%20a?tag=a&tag=b+c&empty&x=%C3%A9",
          host: "shop.example",
          scheme: "http",
          protocol: "HTTP/1.1",
          size: 0,
          headers: {
            ":authority": "shop.example",
            ":method": "POST",
            ":path": "/orders/7%20a?tag=a&tag=b+c&empty&x=%C3%A9",
            ":scheme": "http",
            host: "shop.example",
            "x-a": "1,2",
            cookie: "a=1; b=2",
          },
        },
      },
    },
    parsed_path: ["orders", "7 a"],
    parsed_query: { tag: ["a", "b c"], empty: [""], x: ["\u00e9"] },
    parsed_body: null,
    truncated_body: false,
    version: { ext_authz: "v3", encoding: "protojson" },
  });
});

test("with a declaration, what is declared and nothing else", () => {
  const declared = [
    "attributes.request.http.method",
    "attributes.request.http.headers.x-a",
    "attributes.request.http.headers.X-A",
    "attributes.request.http.headers.absent",
    "parsed_query.tag",
    "parsed_path",
  ];
  expect(input(declared)).toEqual({
    attributes: { request: { http: { method: "POST", headers: { "x-a": "1,2" } } } },
    parsed_path: ["orders", "7 a"],
    parsed_query: { tag: ["a", "b c"] },
  });
});

describe("declarations", () => {
  test.each([
    ["a whole field covers its members", ["parsed_query.tag", "parsed_query"], ["parsed_query"]],
    ["a member comes after its whole", ["parsed_query", "parsed_query.tag"], ["parsed_query"]],
    ["a path below an array is the array", ["parsed_path.0"], ["parsed_path"]],
    ["a path above fields is all of them", ["attributes.source"], ["attributes"]],
    ["time is built when named", ["attributes.request.time"], ["attributes"]],
    [
      "of what only Envoy knows, the object that it would be in",
      ["attributes.metadataContext.filterMetadata"],
      ["attributes"],
    ],
  ])("%s", (_name, declared, keys) => {
    const seen = input(declared);
    expect(typeof seen === "object" && seen !== null && Object.keys(seen)).toEqual(keys);
  });

  test("time and id come from outside", () => {
    expect(input(["attributes.request.time", "attributes.request.http.id"])).toEqual({
      attributes: { request: { time: "2026-01-02T03:04:05.678Z", http: { id: "id-1" } } },
    });
  });

  test("a path above time, id and body does not build them", () => {
    const seen = input(["attributes.request"], head, bodyOf("x"));
    for (const field of ["time", "http.id", "http.body", "http.rawBody"]) {
      expect(seen).not.toHaveProperty(`attributes.request.${field}`);
    }
    expect(plan(["attributes.request.http"]).bodyBytes).toBe(0);
  });

  test.each([
    ["parsed_body", 65_536],
    ["parsed_body.items", 65_536],
    ["truncated_body", 65_536],
    ["attributes.request.http.body", 65_536],
    ["attributes.request.http.rawBody", 65_536],
    ["parsed_path", 0],
  ])("%s reads ahead %d bytes of body", (field, bytes) => {
    expect(plan([field]).bodyBytes).toBe(bytes);
  });

  test.each(["", "parsed_paths", "attributes.request.http.methods", "input.parsed_path"])(
    "%j is no field",
    (field) => {
      expect(planInput([field])).toMatchObject({ kind: "unknown", field });
    },
  );
});

describe("parsed_path", () => {
  test.each([
    ["/", [""]],
    ["/a/b/", ["a", "b", ""]],
    ["/a//b", ["a", "", "b"]],
    ["//a/b", ["a", "b"]],
    ["/a%2Fb", ["a", "b"]],
    ["/%E2%82%AC", ["\u20ac"]],
    ["/%ff", ["\ufffd"]],
    ["/a+b", ["a+b"]],
    ["/a?b/c", ["a"]],
  ])("%s", (target, path) => {
    expect(input(["parsed_path"], { ...head, target })).toEqual({ parsed_path: path });
  });
});

describe("parsed_query", () => {
  test.each([
    ["/", {}],
    ["/?", {}],
    ["/?a=1=2&&b", { a: ["1=2"], b: [""] }],
    ["/?a=1%3Bb=2", { a: ["1;b=2"] }],
    ["/?%61=%31", { a: ["1"] }],
    ["/?a=?", { a: ["?"] }],
  ])("%s", (target, query) => {
    expect(input(["parsed_query"], { ...head, target })).toEqual({ parsed_query: query });
  });

  test("a parameter may be called __proto__", () => {
    expect(JSON.stringify(input(["parsed_query"], { ...head, target: "/?__proto__=x" }))).toBe(
      '{"parsed_query":{"__proto__":["x"]}}',
    );
  });

  test.each([
    ["a bad escape", "/a?q=100%"],
    ["a semicolon", "/a?q=1;r=2"],
  ])("%s is refused when the policy reads the query, else the application's", (_name, target) => {
    const request = { ...head, target };
    expect(input(["parsed_query"], request)).toMatchObject({ reason: "ambiguous_request" });
    expect(input(["parsed_path"], request)).toEqual({ parsed_path: ["a"] });
  });
});

describe("parsed_body", () => {
  const field = ["parsed_body", "truncated_body"];
  const rows: readonly (readonly [string, RequestHead, RequestBody | null, unknown])[] = [
    ["no body", json, null, null],
    ["empty body", json, bodyOf(""), null],
    ["no content type", withHeaders(), bodyOf("{}"), null],
    ["another content type", withHeaders("content-type", "text/plain"), bodyOf("{}"), null],
    ["JSON", json, bodyOf(' {"a":[1,"x",null]} '), { a: [1, "x", null] }],
    ["JSON in capitals", withHeaders("CONTENT-TYPE", "Application/JSON"), bodyOf("[]"), []],
    ["a form", form, bodyOf("a=1&a=2&b=x+y"), { a: ["1", "2"], b: ["x y"] }],
  ];
  test.each(rows)("%s", (_name, request, body, parsed) => {
    expect(input(field, request, body)).toEqual({ parsed_body: parsed, truncated_body: false });
  });

  test.each([
    ["content-length", "2"],
    ["transfer-encoding", "chunked"],
  ])("a body that %s announces and nobody read is refused", (name, value) => {
    expect(input(field, withHeaders(name, value))).toMatchObject({ reason: "bad_body" });
  });

  test("a truncated body is not parsed, and says so", () => {
    expect(input(field, json, bodyOf('{"a":', true))).toEqual({
      parsed_body: null,
      truncated_body: true,
    });
  });

  test("numbers reach the policy as they were sent", () => {
    const sent = '{"id":9007199254740993,"price":1.5,"big":1e300,"small":7}';
    const result = buildInput(plan(["parsed_body"]), json, bodyOf(sent), context);
    expect(result.kind === "input" && result.text).toBe(`{"parsed_body":${sent}}`);
  });

  const bad: readonly (readonly [string, RequestHead, string | Uint8Array])[] = [
    ["malformed JSON", json, "{"],
    ["trailing text", json, "{} x"],
    ["two values for one name", json, '{"role":"user","role":"admin"}'],
    ["a byte order mark", json, "\uFEFF{}"],
    ["half a surrogate pair", json, String.raw`{"a":"\ud800"}`],
    ["half a surrogate pair in a name", json, String.raw`{"\udfff":1}`],
    ["bytes that are not UTF-8", json, Uint8Array.of(0x22, 0xff, 0x22)],
    ["deep nesting", json, "[".repeat(300) + "]".repeat(300)],
    ["very deep nesting", json, "[".repeat(60_000)],
    ["a form with a bad escape", form, "a=%zz"],
    ["a form with a semicolon", form, "a=1;b=2"],
  ];
  test.each(bad)("%s is refused", (_name, request, body) => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    expect(input(field, request, { bytes, truncated: false })).toMatchObject({
      kind: "refused",
      reason: "bad_body",
    });
  });

  test("a bad body is the application's when the policy does not read it", () => {
    expect(input(["parsed_path"], json, bodyOf("{"))).toEqual({ parsed_path: ["orders", "7 a"] });
  });

  test("the raw body, as text and in base64", () => {
    const fields = ["attributes.request.http.body", "attributes.request.http.rawBody"];
    expect(input(fields, json, bodyOf("\u00e9"))).toEqual({
      attributes: { request: { http: { body: "\u00e9", rawBody: "w6k=" } } },
    });
  });
});

test.each([
  [["content-length", "12"], 12],
  [["transfer-encoding", "chunked"], -1],
  [["content-length", "x"], 0],
])("size of %j is %s", (headers, size) => {
  const request = withHeaders(...headers);
  expect(input(["attributes.request.http.size"], request)).toEqual({
    attributes: { request: { http: { size } } },
  });
});

const heads = fc.record({
  method: fc.string(),
  target: fc.oneof(fc.webPath(), fc.string({ unit: "binary" })),
  protocol: fc.constant("HTTP/1.1"),
  scheme: fc.constantFrom("http" as const, "https" as const),
  host: fc.string(),
  rawHeaders: fc.array(
    fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("Content-Type", "application/json")),
  ),
  source: fc.constant(head.source),
  destination: fc.constant(head.destination),
});
const bodies = fc.option(
  fc.record({
    bytes: fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
    ),
    truncated: fc.boolean(),
  }),
);
const declarations = fc.option(
  fc.subarray([
    "attributes.request.http",
    "attributes.request.http.headers.__proto__",
    "attributes.request.http.body",
    "parsed_path",
    "parsed_query",
    "parsed_query.constructor",
    "parsed_body",
  ]),
);

test("whatever arrives, nothing is thrown and the input is JSON", () => {
  fc.assert(
    fc.property(heads, bodies, declarations, (request, body, declared) => {
      const result = buildInput(plan(declared), request, body, context);
      const shown = result.kind === "input" ? result.text : result.reason;
      expect(shown).toMatch(/^(?:\{|bad_body$|ambiguous_request$)/);
    }),
  );
});

const endpoints = fc.record({ address: fc.ipV4(), port: fc.nat(65_535) });
const sent = fc.record({
  method: fc.constantFrom("GET", "PUT"),
  target: fc
    .webPath()
    .chain((path) => fc.constantFrom(path, `/${path}?a=1&b&a=2`, `//x%41${path}`)),
  protocol: fc.constantFrom("HTTP/1.1", "HTTP/2"),
  scheme: fc.constantFrom("http" as const, "https" as const),
  host: fc.domain(),
  rawHeaders: fc
    .array(fc.tuple(fc.constantFrom("Host", "X-A", "x-a", "Content-Length"), fc.string()))
    .map((pairs) => pairs.flat()),
  source: endpoints,
  destination: endpoints,
});

const fieldsOf = {
  method: (request: RequestHead) => request.method,
  path: (request: RequestHead) => request.target,
  host: (request: RequestHead) => request.host,
  scheme: (request: RequestHead) => request.scheme,
  protocol: (request: RequestHead) => request.protocol,
};
const parts = fc.subarray([
  ...Object.keys(fieldsOf).map((field) => `attributes.request.http.${field}`),
  "attributes.source.address.socketAddress.portValue",
  "attributes.destination",
  "attributes.request.http.headers",
  "parsed_path",
  "parsed_query",
  "version",
]);

function at(document: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (node, key) => Object.entries(node ?? {}).find(([one]) => one === key)?.[1],
      document,
    );
}

test("whatever is declared, requests one after the other are told as they are in the whole", () => {
  fc.assert(
    fc.property(fc.array(sent), parts, (requests, declared) => {
      const [some, all] = [plan(declared), plan(null)];
      for (const request of requests) {
        const [part, whole] = [some, all].map((one) =>
          seenOf(buildInput(one, request, null, context)),
        );
        for (const field of declared) expect(at(part, field)).toEqual(at(whole, field));
        for (const [field, read] of Object.entries(fieldsOf)) {
          expect(at(whole, `attributes.request.http.${field}`)).toBe(read(request));
        }
        const { address, port } = request.source;
        expect(at(whole, "attributes.source.address.socketAddress")).toEqual({
          address,
          portValue: port,
        });
      }
    }),
  );
});

test("the text is what would be written of the object that is in it", () => {
  fc.assert(
    fc.property(heads, bodies, declarations, (request, body, declared) => {
      const result = buildInput(plan(declared), request, body, context);
      if (result.kind === "refused") return;
      // Names that are whole numbers come first in an object.
      fc.pre(!/"\d+":/.test(result.text));
      expect(JSON.stringify(result.input)).toBe(result.text);
    }),
  );
});

test("JSON bodies reach the policy unchanged", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const parsed: unknown = JSON.parse(text);
      expect(input(["parsed_body"], json, bodyOf(text))).toEqual({ parsed_body: parsed });
    }),
  );
});

describe("a connection on an opaque port", () => {
  const connection: ConnectionHead = {
    source: { address: "10.0.0.9", port: 40_000 },
    destination: { address: "10.0.0.1", port: 5432 },
    sni: "db.example",
  };
  const address = { socketAddress: { address: "10.0.0.9", portValue: 40_000 } };
  const destination = { address: { socketAddress: { address: "10.0.0.1", portValue: 5432 } } };

  test("nothing declared: its ends, no request, and no name that nobody waited for", () => {
    const whole = plan(null);
    expect(whole.readsSni).toBe(false);
    expect(seenOf(buildConnectionInput(whole, connection))).toEqual({
      attributes: { source: { address }, destination },
      version: { ext_authz: "v3", encoding: "protojson" },
    });
  });

  test.each([["attributes.tlsSession.sni"], ["attributes.tlsSession"]])("%s declared", (field) => {
    const declared = plan([field, "attributes.source.address.socketAddress.address"]);
    expect(declared.readsSni).toBe(true);
    const source = { address: { socketAddress: { address: "10.0.0.9" } } };
    expect(seenOf(buildConnectionInput(declared, connection))).toEqual({
      attributes: { tlsSession: { sni: "db.example" }, source },
    });
    expect(seenOf(buildConnectionInput(declared, { ...connection, sni: null }))).toEqual({
      attributes: { source },
    });
  });

  test.each([["attributes"], ["attributes.source"], ["attributes.request.http"]])(
    "%s declared: the name is not waited for",
    (field) => {
      expect(plan([field]).readsSni).toBe(false);
    },
  );

  test("what is declared of requests is not there", () => {
    const declared = plan(["attributes.request.http", "parsed_path", "parsed_body"]);
    expect(seenOf(buildConnectionInput(declared, connection))).toEqual({});
  });

  test("a request has no name of a TLS server", () => {
    expect(input(["attributes.tlsSession.sni", "parsed_path"])).toEqual({
      attributes: {},
      parsed_path: ["orders", "7 a"],
    });
  });
});

test("objects that are always there are there when nothing in them is", () => {
  const declared = [
    "attributes.request.http.headers.x-none",
    "parsed_query.none",
    "attributes.source.principal",
    "attributes.metadataContext.filterMetadata.a",
  ];
  expect(input(declared)).toEqual({
    attributes: { source: {}, request: { http: { headers: {} } } },
    parsed_query: {},
  });
});

test("names that mean something to JavaScript are names like others", () => {
  const request = { ...withHeaders("__proto__", "1", "constructor", "2"), target: "/?__proto__=3" };
  const declared = [
    "attributes.request.http.headers.__proto__",
    "attributes.request.http.headers.constructor",
    "parsed_query.__proto__",
  ];
  const expected =
    '{"attributes":{"request":{"http":{"headers":{"__proto__":"1","constructor":"2"}}}},"parsed_query":{"__proto__":["3"]}}';
  const built = buildInput(plan(declared), request, null, context);
  expect(built.kind === "input" && built.text).toBe(expected);
  const whole = buildInput(plan(null), request, null, context);
  const inWhole = whole.kind === "input" && whole.text;
  expect(inWhole).toContain('"__proto__":"1","constructor":"2"');
  expect(inWhole).toContain('"parsed_query":{"__proto__":["3"]}');
  const body = bodyOf('{"__proto__":{"a":1}}');
  const parsed = buildInput(plan(["parsed_body"]), json, body, context);
  expect(parsed.kind === "input" && parsed.text).toContain('"parsed_body":{"__proto__":{"a":1}}');
});

function undeclared(...mentioned: readonly string[]): readonly [number, string] {
  const planned = planInput(null, mentioned);
  if (planned.kind === "unknown") throw new Error(planned.field);
  const built = buildInput(planned.plan, json, bodyOf("{no"), context);
  return [planned.plan.bodyBytes, built.kind === "input" ? built.text : built.reason];
}

test("without a declaration, a body is there for who mentions it, and parsed only then", () => {
  expect(undeclared()[0]).toBe(0);
  expect(undeclared("time", "id", "sni")[0]).toBe(0);
  expect(undeclared("body")).toEqual([65_536, expect.stringContaining('"body":"{no"')]);
  expect(undeclared("body")[1]).not.toContain("parsed_body");
  for (const name of ["parsed_body", "raw_body", "rawBody", "truncated_body"]) {
    expect(undeclared(name)).toEqual([65_536, expect.stringContaining("bad_body")]);
  }
});
