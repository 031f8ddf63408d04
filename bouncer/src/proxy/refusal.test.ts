import { expect, test } from "vitest";
import { buildRefusal, createRefusal } from "./refusal.ts";
import { valuesOf } from "./headers.ts";

const call = { rawHeaders: ["Content-Type", "application/grpc+proto"] };
const refusal = {
  ...createRefusal("policy", null),
  headers: [
    ["content-type", "text/html"],
    ["x-why", "1"],
  ] as const,
  body: "no such order",
};

test("a refused gRPC call has one type, its own, and the other headers of the policy", () => {
  const { head } = buildRefusal(refusal, "id", call);
  expect(valuesOf(head.rawHeaders, "content-type")).toEqual(["application/grpc+proto"]);
  expect(valuesOf(head.rawHeaders, "x-why")).toEqual(["1"]);
  expect(valuesOf(head.rawHeaders, "grpc-status")).toEqual(["7"]);
});

test("what is no gRPC call has the type that the policy gives to the body", () => {
  const { head } = buildRefusal(refusal, "id", { rawHeaders: [] });
  expect(valuesOf(head.rawHeaders, "content-type")).toEqual(["text/html"]);
});
