import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  applyRequestHeaders,
  buildRequestHeaders,
  buildResponseHeaders,
  buildTrailers,
  upgradeProtocol,
} from "./headers.ts";

/** `Name: value` lines as a header list. */
function list(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(": "));
}

const forwarding = { peer: "10.0.0.9", trusted: false, host: "shop", upgrade: null };
const added = list(
  "X-Forwarded-For: 10.0.0.9",
  "X-Forwarded-Proto: http",
  "X-Forwarded-Host: shop",
);

function buildFrom(headers: string[]): string[] {
  return buildRequestHeaders(headers, forwarding);
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
    ["Connection", "Host, Content-Length", "Host", "a", "Content-Length", "1"],
    ["Host", "a", "Content-Length", "1"],
  ],
  ["Connection cannot remove what the bouncer adds", ["Connection", "X-Forwarded-For"], []],
  [
    "identity goes, however it is spelled",
    ["x_forwarded_for", "1", "X-REAL-IP", "2", "Forwarded", "3"],
    [],
  ],
])("%s", (_name, headers, expected) => {
  expect(buildFrom(headers)).toEqual([...expected, ...added]);
});

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const names = fc.oneof(
  token,
  fc.constantFrom("Connection", "X-Forwarded-For", "Keep-Alive", "Host"),
);
const lists = fc.array(fc.tuple(names, token), { maxLength: 12 }).map((pairs) => pairs.flat());

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
  expect(buildResponseHeaders(headers, [["X-Added", "1"]], true)).toEqual(
    list("Server: app", "Trailer: X-Sum", "X-Added: 1", "Connection: close"),
  );
});

test("trailers cannot say what belongs into the head", () => {
  expect(
    buildTrailers(["Grpc-Status", "0", "Content-Length", "9", "X-Bouncer-Reason", "x"]),
  ).toEqual([["Grpc-Status", "0"]]);
});

test.each<[string[], string | null]>([
  [["Connection", "Upgrade", "Upgrade", "websocket"], "websocket"],
  [["Connection", "keep-alive, upgrade", "Upgrade", "SPDY/3.1"], "SPDY/3.1"],
  [["Upgrade", "websocket"], null],
  [["Connection", "Upgrade"], null],
  [["Connection", "Upgrade", "Upgrade", ""], null],
  [["Connection", "Upgrade", "Upgrade", "h2c"], null],
  [["Connection", "Upgrade", "Upgrade", "H2C"], null],
  [["Connection", "Upgrade", "Upgrade", "HTTP/2.0"], null],
  [["Connection", "Upgrade", "Upgrade", "tls/1.3"], null],
  [["Connection", "Upgrade", "Upgrade", "websocket, h2c"], null],
  [["Connection", "Upgrade", "Upgrade", "websocket", "Upgrade", "h2c"], null],
])("%j upgrades to %s", (headers, protocol) => {
  expect(upgradeProtocol(headers)).toBe(protocol);
});
