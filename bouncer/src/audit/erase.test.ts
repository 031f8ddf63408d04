import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eraseFrom, formatPointer, parsePointer, planErasures, type Pointer } from "./erase.ts";

function pointerOf(text: string): Pointer {
  const pointer = parsePointer(text);
  if (pointer === null) throw new Error(`not a pointer: ${text}`);
  return pointer;
}

function erase(document: unknown, ...texts: string[]) {
  return eraseFrom(document, "input", planErasures(texts.map(pointerOf)));
}

test.each([
  ["a member", { a: 1, b: 2 }, ["/input/a"], { b: 2 }, ["/input/a"]],
  ["a nested one", { a: { b: 1, c: 2 } }, ["/input/a/b"], { a: { c: 2 } }, ["/input/a/b"]],
  ["one that is not there", { a: 1 }, ["/input/b", "/input/a/b"], { a: 1 }, []],
  ["an element", { a: [1, 2, 3] }, ["/input/a/1"], { a: [1, 3] }, ["/input/a/1"]],
  ["an element that is not there", { a: [1] }, ["/input/a/1", "/input/a/-"], { a: [1] }, []],
  ["below an element", { a: [{ b: 1 }] }, ["/input/a/0/b"], { a: [{}] }, ["/input/a/0/b"]],
  ["everything", { a: 1 }, ["/input"], undefined, ["/input"]],
  [
    "an escaped key",
    { "a/b": 1, "~": 2 },
    ["/input/a~1b", "/input/~0"],
    {},
    ["/input/a~1b", "/input/~0"],
  ],
  ["null", { a: null }, ["/input/a"], {}, ["/input/a"]],
  ["what every object has", { a: 1 }, ["/input/constructor", "/input/__proto__"], { a: 1 }, []],
  ["of another document", { a: 1 }, ["/result/a"], { a: 1 }, []],
  ["of nothing", undefined, ["/input/a"], undefined, []],
])("erasing %s", (...row) => {
  const [, document, pointers, value, erased] = row;
  const before = structuredClone(document);
  expect(erase(document, ...pointers)).toEqual({ value, pointers: erased });
  expect(document).toEqual(before);
});

test("the same fact goes wherever the record holds it", () => {
  const http = "/input/attributes/request/http";
  const plan = planErasures([pointerOf(`${http}/host`)]);
  expect([...plan.facts]).toEqual(["host"]);
  expect(plan.pointers.map(formatPointer)).toEqual([
    `${http}/host`,
    `${http}/headers/:authority`,
    `${http}/headers/host`,
    `${http}/headers/x-forwarded-host`,
  ]);
});

test.each([
  ["/input", ["method", "target", "host", "source"], "all"],
  ["/input/attributes/source", ["source"], []],
  ["/input/attributes/request/http/headers", ["method", "target", "host", "source"], []],
  ["/input/parsed_path/1", ["target"], []],
  ["/input/parsed_query", [], "all"],
  ["/input/parsed_query/email/0", [], ["email"]],
  ["/input/attributes/request/http/headers/x-internal", [], []],
  ["/result", [], []],
])("%s hides %j and the parameters %j", (text, facts, parameters) => {
  const plan = planErasures([pointerOf(text)]);
  expect([...plan.facts]).toEqual(facts);
  expect(plan.parameters === "all" ? "all" : [...plan.parameters]).toEqual(parameters);
});

test("a pointer that is read is written the same again", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, unit: "binary" }), { maxLength: 6 }), (keys) => {
      const text = formatPointer(["input", ...keys]);
      const pointer = parsePointer(text);
      expect(pointer === null ? text : formatPointer(pointer)).toBe(text);
    }),
  );
});

/** Every place of a document, as a pointer. */
function placesOf(node: unknown, trail: Pointer): Pointer[] {
  if (typeof node !== "object" || node === null) return [trail];
  return [trail, ...Object.entries(node).flatMap(([key, item]) => placesOf(item, [...trail, key]))];
}

test("what is erased is not there any more, whatever the document and the place", () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: "medium" }), fc.nat(), (json, pick) => {
      const document: unknown = JSON.parse(
        JSON.stringify(json, (_key, value: unknown) => (typeof value === "number" ? 7 : value)),
      );
      const all = placesOf(document, ["input"]);
      const place = all[pick % all.length] ?? ["input"];
      const marked: unknown = mark(document, place.slice(1));
      const { value, pointers } = eraseFrom(marked, "input", planErasures([place]));
      expect(JSON.stringify(value) ?? "").not.toContain("s3cr3t");
      expect(marked === null || pointers.includes(formatPointer(place))).toBe(true);
    }),
  );
});

function mark(node: unknown, place: Pointer): unknown {
  const [key, ...rest] = place;
  if (key === undefined) return node === null ? null : "s3cr3t";
  if (Array.isArray(node)) {
    return node.map((item: unknown, at) => (String(at) === key ? mark(item, rest) : item));
  }
  const members = Object.entries(typeof node === "object" && node !== null ? node : {});
  return Object.fromEntries(
    members.map(([name, item]: [string, unknown]) => [
      name,
      name === key ? mark(item, rest) : item,
    ]),
  );
}
