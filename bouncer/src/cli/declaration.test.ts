import { expect, test } from "vitest";
import { declare } from "./declaration.ts";

/** As `opa deps` prints it: a name is a string, other types are what only evaluation knows. */
function dependencies(...paths: readonly (readonly (string | number)[])[]): string {
  const base = paths.map(([root, ...rest]) => [
    { type: "var", value: root },
    ...rest.map((step) => ({ type: typeof step, value: step })),
  ]);
  return JSON.stringify({ base, virtual: [] });
}

const http = ["input", "attributes", "request", "http"] as const;

test.each([
  ["a field", dependencies([...http, "method"]), ["attributes.request.http.method"]],
  ["data alone", dependencies(["data", "users"]), []],
  ["nothing", '{"virtual":[]}', []],
  ["an item of an array", dependencies(["input", "parsed_path", 0]), ["parsed_path"]],
  [
    "a header, once, sorted",
    dependencies(
      ["input", "parsed_path"],
      [...http, "headers", "x-a"],
      [...http, "headers", "x-a"],
    ),
    ["attributes.request.http.headers.x-a", "parsed_path"],
  ],
  [
    "a field and its members",
    dependencies([...http, "headers"], [...http, "headers", "x-a"], [...http, "host"]),
    ["attributes.request.http.headers", "attributes.request.http.host"],
  ],
  [
    "what would lie in a member, as if by its name",
    dependencies([...http, "headers", "x-a", "b"], ["input", "parsed_query", "a", "b", "c"]),
    ["attributes.request.http.headers.x-a", "parsed_query.a"],
  ],
  [
    "names of which one begins with the other",
    dependencies(["input", "parsed_query", "a.b"], ["input", "parsed_query", "a"]),
    ["parsed_query.a", "parsed_query.a.b"],
  ],
])("%s", (_name, text, fields) => {
  expect(declare(text, [])).toEqual({ kind: "fields", fields, ignored: [] });
});

test("fields that a bouncer never has are told apart", () => {
  const text = dependencies([...http, "method"], ["input", "user", "roles"]);
  expect(declare(text, [])).toEqual({
    kind: "fields",
    fields: ["attributes.request.http.method"],
    ignored: ["user.roles"],
  });
});

test("the object around a field that no bouncer has is declared by another such field", () => {
  const text = dependencies([...http, "nothing"], ["input", "attributes", "source", "x", "y"]);
  expect(declare(text, [])).toEqual({
    kind: "fields",
    fields: ["attributes.request.http.fragment", "attributes.source.address.envoyInternalAddress"],
    ignored: ["attributes.request.http.nothing", "attributes.source.x.y"],
  });
});

test.each([[["input"]], [["input", 1]]])("%j is everything", (...path) => {
  const text = dependencies([...http, "method"], ...path);
  expect(declare(text, ["body"])).toEqual({ kind: "everything", fields: null });
  const { fields } = declare(text, ["time", "parsed_body"]);
  expect(fields).toContain("attributes.request.time");
  expect(fields).toContain("attributes.request.http.headers");
  expect(fields).toContain("parsed_body");
  expect(fields).not.toContain("attributes.request.http.body");
});

test("where a rule hands on an object, what the policy mentions of it is there, too", () => {
  const text = dependencies([...http], ["input", "attributes", "source"]);
  const all = ["attributes.request.http", "attributes.source"];
  expect(declare(text, [])).toEqual({ kind: "fields", fields: all, ignored: [] });
  expect(declare(text, ["body", "time", "sni"])).toEqual({
    kind: "fields",
    fields: ["attributes.request.http", "attributes.request.http.body", "attributes.source"],
    ignored: [],
  });
});

test.each(["", "{", '{"base":[[1]]}', "1"])("%j is not what opa prints", (text) => {
  expect(() => declare(text, [])).toThrow(SyntaxError);
});
