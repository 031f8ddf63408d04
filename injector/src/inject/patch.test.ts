import * as fc from "fast-check";
import jsonPatch from "fast-json-patch";
import { expect, test } from "vitest";
import { isEqual } from "./equal.ts";
import { buildPatch } from "./patch.ts";

const pod = { spec: { containers: [{ name: "app" }], initContainers: [{ name: "init" }] } };

test.each([
  {
    where: "first",
    containers: [{ name: "one" }, { name: "two" }, { name: "init" }],
    added: ["0 one", "1 two"],
  },
  { where: "last", containers: [{ name: "init" }, { name: "one" }], added: ["1 one"] },
  {
    where: "around",
    containers: [{ name: "one" }, { name: "init" }, { name: "two" }],
    added: ["0 one", "2 two"],
  },
])("what comes $where is inserted, nothing is rewritten", ({ containers, added }) => {
  const wanted = { spec: { ...pod.spec, initContainers: containers } };
  expect(buildPatch(pod, wanted)).toEqual(
    added.map((one) => {
      const [index, name] = one.split(" ");
      return { op: "add", path: `/spec/initContainers/${index}`, value: { name } };
    }),
  );
});

test("containers in another order, or fewer, are a patch, too", () => {
  const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
  const before = { spec: { containers: [a, b] } };
  for (const containers of [[b, a], [c, a], [c], [b], []]) {
    const wanted = { spec: { containers } };
    const copy = structuredClone(before);
    const applied = jsonPatch.applyPatch(copy, buildPatch(before, wanted)).newDocument;
    expect(applied).toEqual(wanted);
  }
});

test("slashes and tildes in keys are escaped", () => {
  const wanted = { ...pod, metadata: { annotations: { "a/b~c": "x" } } };
  expect(buildPatch({ ...pod, metadata: { annotations: {} } }, wanted)).toEqual([
    { op: "add", path: "/metadata/annotations/a~1b~0c", value: "x" },
  ]);
});

test("nothing that was passed in is changed, however deep the difference", () => {
  const before = {
    metadata: { annotations: { "a/b": "1" } },
    spec: { containers: [{ name: "app", livenessProbe: { httpGet: { port: 1, path: "/" } } }] },
  };
  const wanted = {
    metadata: { annotations: { "a/b": "2", c: "3" } },
    spec: {
      containers: [
        { name: "bouncer" },
        { name: "app", livenessProbe: { httpGet: { port: 2, path: "/" } } },
      ],
    },
  };
  const copies = structuredClone([before, wanted]);
  const patch = buildPatch(before, wanted);
  expect([before, wanted]).toStrictEqual(copies);
  expect(jsonPatch.applyPatch(before, patch).newDocument).toEqual(wanted);
});

test("a patch that would not do is a bug, not an answer", () => {
  const wanted = { spec: { ...pod.spec, volumes: undefined, hostNetwork: undefined } };
  expect(() => buildPatch(pod, wanted)).toThrow(expect.objectContaining({ code: "internal" }));
});

test("values are equal when their JSON is, whatever the order of keys and what is shared", () => {
  const sorted = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return ["list", ...value.map(sorted)];
    const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return ["map", ...entries.map(([key, item]) => [key, sorted(item)])];
  };
  const same = (value: unknown) => JSON.stringify(sorted(value));
  const property = fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
    const isSame = same(one) === same(other);
    return isEqual(one, other) === isSame && isEqual(one, JSON.parse(JSON.stringify(one)));
  });
  fc.assert(property, { numRuns: 2000 });
  expect(isEqual([], {})).toBe(false);
  expect(isEqual({ a: undefined }, {})).toBe(false);
  expect(isEqual({ a: undefined }, { b: undefined })).toBe(false);
  expect(isEqual(JSON.parse('{"__proto__":1}'), {})).toBe(false);
});
