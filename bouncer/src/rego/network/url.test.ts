import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HttpFailure } from "./failure.ts";
import { type HttpUrl, parseUrl } from "./url.ts";

test.each<readonly [string, Partial<HttpUrl>]>([
  ["http://Example.com", { protocol: "http:", host: "example.com", port: 80, path: "/" }],
  ["HTTPS://example.com:8443/x", { protocol: "https:", port: 8443, authority: "example.com:8443" }],
  ["http://[2001:DB8::1]:80/", { host: "2001:db8::1", authority: "[2001:DB8::1]:80" }],
  ["http://[fe80::1%25eth0]/", { host: "fe80::1%eth0", authority: "[fe80::1]" }],
  ["http://2130706433/", { host: "2130706433" }],
  ["http://0x7f.1/", { host: "0x7f.1" }],
  ["http://bücher.example/", { authority: "xn--bcher-kva.example" }],
  ["http://example.com:/", { port: 80 }],
  ["http://a%40b@example.com/", { host: "example.com", credentials: "a@b:" }],
  ["http://example.com/a/../b/./%2e%2e", { path: "/a/../b/./%2e%2e" }],
  ["http://example.com/a b", { path: "/a%20b" }],
  ["http://example.com/?a=ü b", { path: "/?a=%C3%BC%20b" }],
  ["http://example.com?x", { path: "/?x" }],
  ["http://example.com#x?y", { path: "/" }],
  ["http://u:p%40@example.com/", { credentials: "u:p@", text: "http://u:***@example.com/" }],
  ["unix://localhost/x?socket=%2Fa.sock", { socket: "/a.sock", path: "/x" }],
])("%s", (text, parts) => {
  expect(parseUrl(text, "Get")).toMatchObject(parts);
});

test("whatever it is, it is a URL or an error of a known kind, and can be sent", () => {
  const piece = fc.constantFrom(
    "http",
    "https",
    "unix",
    ":",
    "/",
    "//",
    "@",
    "[",
    "]",
    "%",
    "%2f",
    "?",
    "#",
    "x",
    "é",
    " ",
    "\n",
    "0",
    "::1",
    "socket=",
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.string({ unit: "binary" }),
      (pieces, rest) => {
        const text = `http://a/${rest}`;
        for (const one of [pieces.join(""), text, `http://${pieces.join("")}`]) {
          expect(isSound(one)).toBe(true);
        }
      },
    ),
  );
});

function isSound(text: string): boolean {
  try {
    const url = parseUrl(text, "Get");
    return /^\/[\u0021-\u007E]*$/.test(url.path) && !/[\s/?#@\\]/.test(url.host);
  } catch (error) {
    return error instanceof HttpFailure;
  }
}
