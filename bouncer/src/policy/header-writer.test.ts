import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { RequestHead } from "./decision.ts";
import { Facts, joinHeaders } from "./facts.ts";
import { HeaderWriter } from "./header-writer.ts";

const endpoint = { address: "10.0.0.9", port: 40_000 };

function requestOf(rawHeaders: readonly string[]): RequestHead {
  return {
    method: "GET",
    target: '/a"b?c=\\',
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "shop.example",
    rawHeaders,
    source: endpoint,
    destination: endpoint,
  };
}

const context = { time: () => "", id: () => "" };
const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
});
const name = fc.oneof(
  fc.constantFrom("X-A", "x-a", "X-a", "Cookie", "cookie", "__proto__", ":path", "1", "\u00c0"),
  fc.string({ minLength: 60, maxLength: 70, unit: fc.constantFrom("a", "A") }),
  latin1,
);
const headers = fc.array(fc.tuple(name, latin1)).map((pairs) => pairs.flat());

test("written one after the other, headers are what joining them gives", () => {
  fc.assert(
    fc.property(fc.array(headers), (all) => {
      const writer = new HeaderWriter();
      for (const request of all.map(requestOf)) {
        const joined = joinHeaders(request);
        expect(JSON.parse(writer.write(request))).toEqual(
          JSON.parse(JSON.stringify(Object.fromEntries(joined))),
        );
        // One by one they are the same.
        const facts = new Facts(request, null, context);
        for (const [one, value] of joined) expect(facts.header(one)).toBe(value);
      }
    }),
  );
});

test("a single header is known by its name in lower case only", () => {
  const facts = new Facts(requestOf(["X-A", "1", "Cookie", "a", "cookie", "b"]), null, context);
  expect(["x-a", "X-A", "cookie", ":method", "none"].map((one) => facts.header(one))).toEqual([
    "1",
    undefined,
    "a; b",
    "GET",
    undefined,
  ]);
});

test("names are forgotten when a client makes up too many, and nothing changes by that", () => {
  const writer = new HeaderWriter();
  const known = requestOf(["X-A", "1", "x-b", "2"]);
  const text = writer.write(known);
  for (let round = 0; round < 50; round += 1) {
    const made = Array.from({ length: 100 }, (_, at) => `x-${round}-${at}`);
    const request = requestOf(["x-a", "1", ...made.flatMap((one) => [one, ""]), "X-A", "2"]);
    expect(JSON.parse(writer.write(request))).toMatchObject({
      "x-a": "1,2",
      [`x-${round}-99`]: "",
    });
    expect(writer.write(known)).toBe(text);
  }
});
