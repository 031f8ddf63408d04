import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseTerm } from "../../../src/rego/term.ts";
import type { Value } from "../../../src/rego/value.ts";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyString, anyValue, mostly } from "./operand.ts";

const data: readonly Value[] = [
  "{}",
  `{"a": "x", "b": {"c": 1, "d": null, "e": ["p", "q"]}, "l": [1, "two", null, {"c": 3}], "n": 0, "t": true, "f": false, "z": null, "s": "<a href='x'>é&\\"=</a>"}`,
  `{"a": "", "b": {}, "l": [], "n": 12345678901234567890, "t": false, "s": "日本 😀"}`,
  `{"a": {1}, "l": []}`,
  `{"a": {1: 2}}`,
  `{"a": 1.50, "b": {"c": {"d": {"e": "deep"}}}, "l": [[1, 2], [3]]}`,
].map((text) => parseTerm(text));

/** Without complex numbers, which are refused here. */
const operand = fc.constantFrom(
  ".",
  "$",
  ".a",
  ".b",
  ".b.c",
  ".b.d",
  ".b.d.e",
  ".b.e",
  ".l",
  ".n",
  ".t",
  ".f",
  ".z",
  ".z.y",
  ".s",
  ".missing",
  ".missing.x",
  "$.a",
  "$x",
  "$i",
  "1",
  "0",
  "-3",
  "0x1F",
  "0b101",
  "017",
  "08",
  "1_000",
  "1.5",
  "1e3",
  "1e",
  "'a'",
  "'\\n'",
  "'ab'",
  "true",
  "false",
  "nil",
  `"q"`,
  `"a\\tb\\u00e9\\x41"`,
  `"\\z"`,
  "`raw`",
  `"%v-%s"`,
  `"%5d|%x"`,
  "(len .l)",
  "(.b)",
  "(.b).c",
  "(index .l 0)",
  "(print 1 2)",
  "(and .a .b)",
  "9223372036854775807",
  "..",
  ".1",
  ".a.",
  "$y",
  "foo",
);

const name = fc.constantFrom(
  "len",
  "index",
  "slice",
  "print",
  "println",
  "printf",
  "html",
  "js",
  "urlquery",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "not",
  "and",
  "or",
  "call",
  "undefined",
);

const command = fc.oneof(
  { weight: 3, arbitrary: operand },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, fc.array(operand, { maxLength: 3 }))
      .map(([first, rest]) => [first, ...rest].join(" ")),
  },
  { weight: 1, arbitrary: fc.tuple(operand, operand).map((both) => both.join(" ")) },
);

const pipeline = fc
  .array(command, { minLength: 1, maxLength: 3 })
  .map((commands) => commands.join(" | "));

const tag = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom("{{", "{{ ", "{{- ", "{{-"),
      inner,
      fc.constantFrom("}}", " }}", " -}}", "-}}"),
    )
    .map((parts) => parts.join(""));

const plain = fc.constantFrom("text", " ", "\n", " a \n b ", "}}", "{", "<no value>", "é");

const nodes = fc.letrec<{ readonly list: string; readonly node: string }>((tie) => ({
  list: fc.array(tie("node"), { maxLength: 3 }).map((parts) => parts.join("")),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 2, arbitrary: plain },
    { weight: 4, arbitrary: tag(pipeline) },
    {
      weight: 1,
      arbitrary: tag(
        fc
          .tuple(fc.constantFrom("$x := ", "$x = ", "$i, $x := ", "$x:="), pipeline)
          .map((parts) => parts.join("")),
      ),
    },
    {
      weight: 1,
      arbitrary: tag(
        fc.constantFrom(
          "break",
          "continue",
          "/* c */",
          "/* c",
          "end",
          "else",
          "",
          "template `t`",
          "template `t` .a",
          "template `u`",
          "if",
          "range",
        ),
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          tag(pipeline.map((value) => `if ${value}`)),
          tie("list"),
          fc.constantFrom(
            "",
            "{{else}}no",
            "{{else if .t}}t",
            "{{else if .t}}t{{else}}n",
            "{{else with .a}}w",
          ),
          fc.constantFrom("{{end}}", "{{- end -}}", ""),
        )
        .map((parts) => parts.join("")),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          tag(pipeline.map((value) => `with ${value}`)),
          tie("list"),
          fc.constantFrom(
            "",
            "{{else}}no",
            "{{else with .b}}{{.}}",
            "{{else with $x := .a}}{{$x}}",
          ),
        )
        .map((parts) => `${parts.join("")}{{end}}`),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          tag(
            fc
              .tuple(
                fc.constantFrom("", "$x := ", "$i, $x := ", "$i, ", "$x = ", "$i,$x:="),
                fc.constantFrom(
                  ".l",
                  ".b",
                  ".b.e",
                  "3",
                  ".n",
                  ".missing",
                  ".z",
                  ".a",
                  ".",
                  "-1",
                  "1.5",
                ),
              )
              .map((parts) => `range ${parts.join("")}`),
          ),
          tie("list"),
          fc.constantFrom(
            "",
            "{{break}}",
            "{{continue}}x",
            "{{if .}}{{break}}{{end}}y",
            "{{else}}none",
          ),
        )
        .map((parts) => `${parts.join("")}{{end}}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            "{{define `t`}}",
            `{{define "u"}}`,
            "{{block `t` .b}}",
            "{{define `template`}}",
          ),
          tie("list"),
        )
        .map((parts) => `${parts.join("")}{{end}}`),
    },
  ),
}));

test("templates", async () => {
  const operands = fc.tuple(
    fc
      .tuple(fc.constantFrom("", "{{$x := 1}}", "{{$i := .l}}{{$x := .b}}"), nodes.list)
      .map((parts) => parts.join("")),
    fc.constantFrom(...data),
  );
  expect(await compareWithOpa(sampleCalls("strings.render_template", operands, 6000))).toEqual([]);
});

test("functions of templates", async () => {
  const operands = fc.tuple(tag(pipeline), fc.constantFrom(...data));
  expect(await compareWithOpa(sampleCalls("strings.render_template", operands, 6000))).toEqual([]);
});

test("data of templates", async () => {
  const shown = fc.constantFrom(
    "{{.}}",
    "{{range $k, $v := .}}{{$k}}={{$v}};{{end}}",
    `{{printf "%v %s %q %d %x" . . . . .}}`,
    "{{html .}}",
    "{{js .}}",
    "{{urlquery .}}",
    "{{len .}}",
  );
  const operands = fc.tuple(
    mostly(shown),
    fc.oneof(
      anyValue,
      anyString.map((text): Value => parseTerm(`{"k": ${JSON.stringify(text)}}`)),
    ),
  );
  expect(await compareWithOpa(sampleCalls("strings.render_template", operands, 3000))).toEqual([]);
});
