import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { BuiltinCall } from "./harness.ts";
import { askOpa, compareWithOpa, sample, sampleCalls } from "./harness.ts";
import { anyString, mostly } from "./operand.ts";

/** A schema with all that queries are checked for. */
const schema = `
directive @on(x: Int! = 1) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT | QUERY
directive @many(x: String) repeatable on FIELD
enum Color { RED GREEN }
scalar Any
input Point { x: Int! y: Int = 2 next: Point colors: [Color!] }
input Either @oneOf { a: Int b: String }
interface Node { id: ID! other: Node }
type User implements Node { id: ID! other: Node name(upper: Boolean, n: Int = 3): String color: Color }
type Item implements Node { id: ID! other: Node name: Int! tags: [String!]! }
union Thing = User | Item
type Query {
  user(id: ID!): User
  node(at: Point, either: Either, any: Any): Node
  things(colors: [Color], n: [[Int!]]): [Thing!]
  count(f: Float = 1.5, s: String!): Int
}
type Mutation { set(point: Point!): User }
type Subscription { changed: User other: Int }
`;

const names = ["id", "name", "user", "node", "things", "count", "other", "tags", "color", "set"];
const word = fc.constantFrom(...names, "changed", "__typename", "x", "__schema", "unknown");
const literal = fc.constantFrom(
  ..."1 -2 1.5 1e3 99999999999999999999 true null RED BLUE $a $b [] [1] [RED] [[1]] {} {x:1} {x:$a}".split(
    " ",
  ),
  '"s"',
  '"""b"""',
  "{x:1,y:2,z:3}",
  "{x:1,x:2}",
  "{a:1}",
  "{a:1,b:$b}",
  "{b:$b}",
  "{b:null}",
  "{x:1, next:{x:2, colors:[RED, BLUE]}}",
  "[1.5, $a]",
);
const argument = fc
  .tuple(
    fc.constantFrom("id", "at", "either", "any", "colors", "n", "s", "f", "point", "q"),
    literal,
  )
  .map(([name, value]) => `${name}: ${value}`);
const given = fc
  .array(argument, { minLength: 1, maxLength: 2 })
  .map((members) => `(${members.join(", ")})`);
const directive = fc.constantFrom(
  "@on",
  "@on(x: 2)",
  "@many @many",
  "@skip(if: true)",
  "@no",
  "@skip",
);

const selections = fc.letrec<{ readonly set: string; readonly one: string }>((tie) => ({
  set: fc
    .array(tie("one"), { minLength: 1, maxLength: 3 })
    .map((members) => `{ ${members.join(" ")} }`),
  one: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    word,
    fc
      .tuple(
        fc.option(fc.constantFrom("a:", "id:", "name:"), { nil: "", freq: 4 }),
        word,
        fc.option(given, { nil: "", freq: 1 }),
        fc.option(directive, { nil: "", freq: 8 }),
        fc.option(tie("set"), { nil: "", freq: 1 }),
      )
      .map((parts) => parts.join(" ")),
    fc
      .tuple(
        fc.constantFrom("... on User", "... on Item", "... on Node", "...", "... on X"),
        tie("set"),
      )
      .map((parts) => parts.join(" ")),
    fc.constantFrom("...F", "...G", "...H"),
    fc.constantFrom(
      'user(id: "1") { id name }',
      "node(at: {x: 1}) { id ... on User { name } ... on Item { a: name tags } }",
      "things(colors: [RED]) { ... on Node { id } ...F }",
      'count(s: "x")',
      "# comment\nid",
    ),
  ),
})).set;

const variables = fc.constantFrom(
  "",
  "",
  "($a: Int)",
  "($a: Int!, $b: String)",
  "($a: Int = 1)",
  "($b: String!)",
  "($a: [Int])",
  "($a: User)",
  "($a: Int, $a: Int)",
);

const operation = fc.oneof(
  selections,
  fc
    .tuple(
      fc.constantFrom("query", "query", "query Q", "mutation", "subscription", "query R @on"),
      variables,
      selections,
    )
    .map((parts) => parts.join(" ")),
);

const fragments = fc.constantFrom(
  "",
  "fragment F on User { id name }",
  "fragment F on Node { id ...G } fragment G on User { name }",
  "fragment F on Item { ...F }",
  "fragment F on Thing { __typename }",
  "fragment F on Node { ...G } fragment G on Node { ...F }",
  "fragment F on Color { x }",
);

function oneOrMore(...members: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof({ maxDepth: 3, depthSize: "small" }, ...members), {
      minLength: 1,
      maxLength: 3,
    })
    .map((all) => `{ ${all.join(" ")} }`);
}

function aliases(...texts: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom("", "", "", "a: ", "b: "), fc.constantFrom(...texts))
    .map((parts) => parts.join(""));
}

/** Fields as the schema has them, so that most queries made of them are valid. */
const typed = fc.letrec<Record<"user" | "node" | "item" | "thing" | "root", string>>((tie) => {
  const below = (field: string, name: "user" | "node" | "item" | "thing"): fc.Arbitrary<string> =>
    tie(name).map((inner) => `${field} ${inner}`);
  return {
    user: oneOrMore(
      aliases("id", "name", "name(upper: true)", "name(n: $a)", "color @skip(if: false)"),
      fc.constantFrom("...F", "# note\nid", "__typename @many @many"),
      below("other", "node"),
    ),
    item: oneOrMore(aliases("id", "name", "tags", "__typename"), below("other", "node")),
    node: oneOrMore(
      aliases("id", "__typename"),
      below("... on User", "user"),
      below("... on Item", "item"),
      below("... @on", "node"),
      below("other", "node"),
    ),
    thing: oneOrMore(
      fc.constantFrom("__typename", "...F"),
      below("... on User", "user"),
      below("... on Item", "item"),
      below("... on Node", "node"),
    ),
    root: oneOrMore(
      aliases('count(s: "x")', 'count(s: """y""", f: 2)', "__schema { types { name } }"),
      below('user(id: "1")', "user"),
      below("b: user(id: 2)", "user"),
      below("node(at: {x: 1, colors: [RED]})", "node"),
      below("node(at: {x: $a}, any: [1, {b: c}])", "node"),
      below('node(either: {b: "x"})', "node"),
      below("node", "node"),
      below("things(colors: RED, n: [[1], [2, 3]])", "thing"),
    ),
  };
}).root;

const sound = fc
  .tuple(fc.constantFrom("", "query Q", "# note\nquery"), typed)
  .map(([start, inner]) => {
    const variable = inner.includes("$a") ? "($a: Int!)" : "";
    const head = start === "" && variable !== "" ? "query" : start;
    const fragment = inner.includes("...F") ? "# f\nfragment F on User { id name }" : "";
    return `${head}${variable} ${inner} ${fragment}`;
  });

const wild = fc
  .tuple(fc.array(operation, { minLength: 1, maxLength: 2 }), fragments)
  .map(([operations, more]) => `${operations.join("\n")}\n${more}`);

const query = fc.oneof(wild, sound);

test("queries are parsed", async () => {
  const calls = sampleCalls("graphql.parse_query", fc.tuple(mostly(query)), 1000);
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("queries are validated", async () => {
  const calls = sample(query, 1500).map((text): BuiltinCall => ["graphql.is_valid", text, schema]);
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("enough of the queries are valid for that to mean something", async () => {
  const calls = sample(query, 1500).map((text): BuiltinCall => ["graphql.is_valid", text, schema]);
  const valid = [...(await askOpa(calls)).values()].filter((answer) => answer === true);
  expect(valid.length).toBeGreaterThan(200);
});

test("queries and schemas are parsed and verified", async () => {
  const calls = sample(query, 400).flatMap((text): readonly BuiltinCall[] => [
    ["graphql.parse_and_verify", text, schema],
    ["graphql.parse", text, schema],
  ]);
  expect(await compareWithOpa(calls)).toEqual([]);
});

const typeName = fc.constantFrom("A", "B", "I", "J", "U", "E", "In", "String", "Int", "No", "__A");
const type = fc
  .tuple(typeName, fc.constantFrom("%", "%!", "[%]", "[%!]!"))
  .map(([name, form]) => form.replace("%", name));
const use = fc.option(
  fc.constantFrom(
    "@d",
    "@d(x: 1)",
    "@d @d",
    "@r @r",
    "@deprecated",
    "@no",
    "@d(x: null)",
    "@d(y: 1)",
  ),
  { nil: "", freq: 6 },
);
const value = fc.constantFrom("", "", "", "= 1", "= null", "= {a: 1}", '= "x"');
const inputs = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c", "__d"), type, value, use), {
    minLength: 1,
    maxLength: 2,
  })
  .map((all) => all.map(([name, kind, ...more]) => `${name}: ${kind} ${more.join(" ")}`).join(" "));
const fields = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        "",
        '"text" ',
        '"""block\n  text""" ',
        "# note\n",
        '# note\n"text"\n# more\n',
      ),
      fc.constantFrom("a", "b", "c"),
      fc.option(
        inputs.map((all) => `(${all})`),
        { nil: "", freq: 2 },
      ),
      type,
      use,
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) => all.map(([text, name, args, kind, on]) => `${text}${name}${args}: ${kind} ${on}`));
const block = fields.map((all) => `{ ${all.join("\n")} }`);
const base = `directive @d(x: Int! = 1) on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | ENUM | SCHEMA
directive @r repeatable on FIELD_DEFINITION | ENUM_VALUE`;
const definition = fc.oneof(
  fc.tuple(fc.constantFrom("type A", "type B", "type A implements I"), use, block),
  fc.tuple(fc.constantFrom("type B implements I & J", "interface I", "interface J"), use, block),
  fc.tuple(
    fc.constantFrom("extend type A", "extend type B implements J", "extend interface I"),
    block,
  ),
  fc.tuple(
    fc.constantFrom("union U = A | B", "union U = | A", "union U = A | A", "union U = E"),
    use,
  ),
  fc.tuple(
    fc.constant("enum E"),
    use,
    fc.constantFrom("{ X Y }", "{ X X }", "{ true }", "{ X @r @r }"),
  ),
  fc.tuple(
    fc.constantFrom("input In", "extend input In"),
    inputs.map((all) => `{ ${all} }`),
  ),
  fc.constantFrom(
    ["scalar No"],
    ["extend scalar No @d"],
    ["extend union U = B"],
    ["extend enum E { Z }"],
  ),
  fc.constantFrom(
    ["schema { query: A }"],
    ["schema { query: No }"],
    ["extend schema @d { mutation: B }"],
  ),
  fc.constantFrom(
    ["schema @d(x: 1) { query: A mutation: B }"],
    ["schema { query: A } schema { query: A }"],
  ),
  fc.constantFrom(
    ["directive @skip on FIELD"],
    ["directive @e(a: Int @e) on FIELD"],
    ["directive @d on FIELD"],
  ),
  fc.constantFrom(
    ["# end"],
    ["'"],
    ['"text"'],
    ['"text" extend type A { a: Int }'],
    ["type Query { a: A }"],
  ),
);
const definitions = fc
  .tuple(fc.array(definition, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(
    ([all, hasBase]) => `${hasBase ? base : ""}\n${all.map((parts) => parts.join(" ")).join("\n")}`,
  );

test.each(["graphql.parse_schema", "graphql.schema_is_valid"])("%s", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(mostly(definitions)), 1500))).toEqual([]);
});

/** Well-formed schemas, so that more than the first mistake is looked at. */
test("schemas of which all parts are there", async () => {
  const whole = fc
    .tuple(block, block, block, inputs)
    .map(([one, other, third, input]) =>
      [
        base,
        `type A ${one}`,
        `type B implements I ${other}`,
        `interface I ${third}`,
        `input In { ${input} }`,
        "interface J { a: Int } union U = A | B enum E { X } scalar No",
      ].join("\n"),
    )
    .map((text) => text.replaceAll("__", "x"));
  const calls = sampleCalls("graphql.schema_is_valid", fc.tuple(whole), 1500);
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("strings and numbers", async () => {
  const text = anyString.map((content) => `{ a(b: ${JSON.stringify(content)}) }`);
  const raw = fc
    .string({
      unit: fc.constantFrom('"', "\\", "n", "u", "00e9", " ", "\n", "\t", "x", "\r"),
      maxLength: 9,
    })
    .chain((content) => fc.constantFrom(`{ a(b: "${content}") }`, `{ a(b: """${content}""") }`));
  const number = fc
    .string({ unit: fc.constantFrom("0", "1", "-", "+", ".", "e", "E"), maxLength: 6 })
    .map((content) => `{ a(b: ${content}) }`);
  const comment = anyString.map((content) => `{ a #${content}\n b }`);
  const calls = sampleCalls(
    "graphql.parse_query",
    fc.tuple(fc.oneof(text, raw, number, comment)),
    1500,
  );
  expect(await compareWithOpa(calls)).toEqual([]);
});

/** Documents as values instead of text: what OPA gave out is taken back. */
test("documents", async () => {
  const texts = sample(query, 300);
  const answers = await askOpa(texts.map((text): BuiltinCall => ["graphql.parse_query", text]));
  const parsed = await askOpa([["graphql.parse_schema", schema]]);
  const calls = [...answers.values()].flatMap((document): readonly BuiltinCall[] => [
    ["graphql.is_valid", document, schema],
    ["graphql.is_valid", document, parsed.get(0) ?? null],
  ]);
  expect(await compareWithOpa(calls)).toEqual([]);
});
