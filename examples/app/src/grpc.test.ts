import { expect, test } from "vitest";
import { encodeStatus } from "./grpc.ts";

test.each([
  [true, "0801"],
  [false, "0802"],
])("healthy %s is %s on the wire", (healthy, hex) => {
  expect(encodeStatus(healthy).toString("hex")).toBe(hex);
});
