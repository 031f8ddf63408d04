import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  applyRequestHeaders,
  buildRequestHeaders,
  buildRequestTrailers,
  buildResponseHeaders,
  buildTrailers,
  type Forwarding,
} from "./headers.ts";

/** `Name: value` lines as a header list. */
function list(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(": "));
}

const forwarding = {
  peer: "10.0.0.9",
  trusted: false,
  scheme: "http",
  upgrade: null,
  via: null,
} as const;
const host = ["Host", "shop"];
const added = list(
  "X-Forwarded-For: 10.0.0.9",
  "X-Forwarded-Proto: http",
  "X-Forwarded-Host: shop",
);

function buildFrom(headers: readonly string[], to: Partial<Forwarding> = {}): string[] {
  return buildRequestHeaders(headers, { ...forwarding, ...to });
}

test.each<[string, string[], string[]]>([
  [
    "order, case and repetition stay",
    ["b", "1", "A", "2", "b", "3"],
    ["b", "1", "A", "2", "b", "3"],
  ],
  ["hop-by-hop headers go", ["Connection", "close", "TE", "gzip", "Upgrade", "x"], []],
  [
    "what Connection names goes",
    ["Connection", "x-hop, close", "X-Hop", "1", "X-Keep", "2"],
    ["X-Keep", "2"],
  ],
  [
    "Connection cannot remove framing",
    ["Connection", "Host, Content-Length", "Content-Length", "1"],
    ["Content-Length", "1"],
  ],
  ["Connection cannot remove what the bouncer adds", ["Connection", "X-Forwarded-For"], []],
  [
    "identity goes, however it is spelled",
    ["x_forwarded_for", "1", "X-REAL-IP", "2", "Forwarded", "3"],
    [],
  ],
])("%s", (_name, headers, expected) => {
  expect(buildFrom([...host, ...headers])).toEqual([...host, ...expected, ...added]);
});

test("the bouncer says that it is there, behind those that were before it", () => {
  const built = buildFrom([...host, "Via", "1.0 edge"], { via: "1.1 bouncer" });
  expect(built).toEqual([...host, "Via", "1.0 edge", ...added, "Via", "1.1 bouncer"]);
});

test("trailers are accepted where the client accepts them, and nothing else of TE", () => {
  const built = buildFrom([...host, "TE", "gzip, Trailers", "Connection", "TE"]);
  expect(built).toEqual([...host, "TE", "trailers", ...added]);
});

test("a trusted peer's word is kept and added to", () => {
  const headers = list(
    "Host: shop",
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-For: 192.0.2.2",
    "X-Forwarded-Proto: https",
    "Forwarded: for=192.0.2.1;proto=https",
    "X-Real-IP: 192.0.2.1",
  );
  expect(buildFrom(headers, { trusted: true, peer: "fd00::9" })).toEqual(
    list(
      "Host: shop",
      "X-Real-IP: 192.0.2.1",
      "X-Forwarded-For: 192.0.2.1, 192.0.2.2, fd00::9",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: shop",
      'Forwarded: for=192.0.2.1;proto=https, for="[fd00::9]"',
    ),
  );
});

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const names = fc.oneof(token, fc.constantFrom("Connection", "X-Forwarded-For", "Keep-Alive"));
const lists = fc
  .array(fc.tuple(names, token), { maxLength: 12 })
  .map((pairs) => [...host, ...pairs.flat()]);

test("cleaning what is clean changes nothing but who the peer is", () => {
  fc.assert(
    fc.property(lists, (headers) => {
      const once = buildFrom(headers);
      expect(buildFrom(once)).toEqual(once);
    }),
  );
});

test("no client can choose who it is", () => {
  fc.assert(
    fc.property(lists, (headers) => {
      const out = buildFrom(headers);
      const values = out.flatMap((name, i) =>
        i % 2 === 0 && /^x[-_]forwarded[-_]for$/i.test(name) ? [out[i + 1]] : [],
      );
      expect(values).toEqual(["10.0.0.9"]);
    }),
  );
});

test("a verdict replaces and removes under every spelling, and leaves framing alone", () => {
  const headers = ["Host", "a", "X-User", "m", "x_user", "e", "Content-Length", "3", "Keep", "1"];
  const set = [
    ["x-user", "alice"],
    ["x-user", "bob"],
    ["Host", "evil"],
  ] as const;
  expect(applyRequestHeaders(headers, set, ["content-length", "nothing"])).toEqual(
    list("Host: a", "Content-Length: 3", "Keep: 1", "x-user: alice", "x-user: bob"),
  );
});

test("a response keeps its headers but what is for this hop or ours to say", () => {
  const headers = list(
    "Server: app",
    "Connection: keep-alive, X-Hop",
    "X-Hop: 1",
    "Keep-Alive: 5",
    "Transfer-Encoding: chunked",
    "X-Bouncer-Reason: forged",
    "Trailer: X-Sum",
  );
  const date = "Sun, 06 Nov 1994 08:49:37 GMT";
  expect(buildResponseHeaders(headers, [["X-Added", "1"]], date)).toEqual(
    list("Server: app", "Trailer: X-Sum", `Date: ${date}`, "X-Added: 1"),
  );
  expect(buildResponseHeaders(["date", "today"], [], date)).toEqual(["date", "today"]);
});

test("trailers cannot say what belongs into the head", () => {
  expect(
    buildTrailers(["Grpc-Status", "0", "Content-Length", "9", "X-Bouncer-Reason", "x"]),
  ).toEqual(["Grpc-Status", "0"]);
});

test("trailers of a request undo nothing that the verdict changed, and say nothing about the client", () => {
  const trailers = list(
    "Grpc-Status: 0",
    "X_User: admin",
    "x-internal: 1",
    "X-Forwarded-For: 10.0.0.1",
    "Authorization: Basic eA==",
    "Checksum: 1",
  );
  const requestHeaders = [["x-user", "alice"]] as const;
  const edits = { requestHeaders, requestHeadersToRemove: ["x-internal"] };
  expect(buildRequestTrailers(trailers, edits)).toEqual(list("Grpc-Status: 0", "Checksum: 1"));
});
