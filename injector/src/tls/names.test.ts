import { expect, test } from "vitest";
import { serviceDnsNames } from "./names.ts";

test("a Service has the name that the API server verifies first, and those that people use", () => {
  expect(serviceDnsNames("injector", "system", "cluster.local")).toEqual([
    "injector.system.svc",
    "injector.system.svc.cluster.local",
    "injector.system",
    "injector",
  ]);
});
