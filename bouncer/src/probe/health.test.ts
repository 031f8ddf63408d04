import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeResponse, encodeRequest } from "./health.ts";

test.each([
  ["", [0, 0, 0, 0, 0]],
  ["db", [0, 0, 0, 0, 4, 0x0a, 2, 0x64, 0x62]],
])("a request for the service %j", (service, bytes) => {
  expect([...encodeRequest(service)]).toEqual(bytes);
});

test("a long name has a long length", () => {
  const bytes = [...encodeRequest("x".repeat(300))];
  expect(bytes.slice(0, 8)).toEqual([0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
  expect(bytes).toHaveLength(5 + 303);
});

test.each([
  [[0, 0, 0, 0, 2, 8, 1], { kind: "serving" }],
  [[0, 0, 0, 0, 2, 8, 2], { kind: "not_serving", status: "NOT_SERVING" }],
  [[0, 0, 0, 0, 0], { kind: "not_serving", status: "UNKNOWN" }],
  [[0, 0, 0, 0, 2, 8, 9], { kind: "not_serving", status: "9" }],
  [[1, 0, 0, 0, 2, 8, 1], { kind: "unreadable" }],
  [[0, 0, 0, 0, 9, 8, 1], { kind: "unreadable" }],
  [[0, 0, 0, 0, 2, 16, 1], { kind: "unreadable" }],
  [[], { kind: "unreadable" }],
])("the answer %j", (bytes, expected) => {
  expect(decodeResponse(Uint8Array.from(bytes))).toEqual(expected);
});

test("nothing is taken for serving but what begins as serving does, and nothing throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const isServing = decodeResponse(bytes).kind === "serving";
      expect(isServing && `${bytes[5]} ${bytes[6]}`).toBe(isServing && "8 1");
    }),
  );
});
