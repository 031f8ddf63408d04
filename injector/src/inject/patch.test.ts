import { expect, test } from "vitest";
import { buildPatch } from "./patch.ts";

const pod = { spec: { containers: [{ name: "app" }], initContainers: [{ name: "init" }] } };

test("what comes first is inserted, not rewritten", () => {
  const first = [{ name: "one" }, { name: "two" }];
  const wanted = { spec: { ...pod.spec, initContainers: [...first, { name: "init" }] } };
  expect(buildPatch(pod, wanted)).toEqual([
    { op: "add", path: "/spec/initContainers/0", value: { name: "one" } },
    { op: "add", path: "/spec/initContainers/1", value: { name: "two" } },
  ]);
});

test("slashes and tildes in keys are escaped", () => {
  const wanted = { ...pod, metadata: { annotations: { "a/b~c": "x" } } };
  expect(buildPatch({ ...pod, metadata: { annotations: {} } }, wanted)).toEqual([
    { op: "add", path: "/metadata/annotations/a~1b~0c", value: "x" },
  ]);
});

test("a patch that would not do is a bug, not an answer", () => {
  const wanted = { spec: { ...pod.spec, volumes: undefined, hostNetwork: undefined } };
  expect(() => buildPatch(pod, wanted)).toThrow(expect.objectContaining({ code: "internal" }));
});
