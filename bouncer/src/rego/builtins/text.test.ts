import { expect, test } from "vitest";
import { Operands, type Query, TimeIsUp } from "../builtin.ts";
import { findBuiltins } from "../registry.ts";
import { parseTerm, printTerm } from "../term.ts";
import type { Value } from "../value.ts";

// Generated operands against the real opa are in test/integration/differential; here are examples
// of what people write, and the bounds, which opa does not have.

const names = `
  base64url.encode_no_pad cast_array cast_boolean cast_null cast_object cast_set cast_string
  glob.quote_meta hex.decode hex.encode indexof_n internal.print regex.find_n regex.globs_match
  regex.replace regex.split regex.template_match sprintf strings.any_prefix_match
  strings.any_suffix_match strings.count strings.render_template strings.split_n trace
  uri.is_valid uri.parse urlquery.decode urlquery.decode_object urlquery.encode
  urlquery.encode_object
`
  .trim()
  .split(/\s+/);

const { builtins, missing } = await findBuiltins(names);

/** Time is up when it was asked for so many times. */
function createQuery(times = Number.POSITIVE_INFINITY): Query {
  let left = times;
  return {
    now: () => 0n,
    random: (count) => new Uint8Array(count),
    answer: () => undefined,
    checkTime: () => {
      left -= 1;
      if (left < 0) throw new TimeIsUp();
    },
    memory: new Map(),
  };
}

function call(name: string, operands: readonly Value[], query = createQuery()): Value | undefined {
  return builtins.get(name)?.(new Operands(operands), query);
}

/** Operands and answer as Rego text: `["a", 1]`, `{1}`. */
function callWith(name: string, operands: string): string {
  const values = parseTerm(operands);
  const answer = call(name, Array.isArray(values) ? values : []);
  return answer === undefined ? "undefined" : printTerm(answer);
}

test("all of them are registered", () => {
  expect(missing).toEqual([]);
});

test.each([
  ["sprintf", '["%s is %d years, %v", ["Ann", 42, true]]', '"Ann is 42 years, true"'],
  ["sprintf", '["%d", [123456789012345678901234567890]]', '"123456789012345678901234567890"'],
  ["sprintf", '["%05.2f|%-6s|%+d|%x", [3.14159, "ab", 7, "hé"]]', '"03.14|ab    |+7|68c3a9"'],
  [
    "sprintf",
    '["%v %v", [{"b": [1], "a": null}, {"x", 2}]]',
    '"{\\"a\\": null, \\"b\\": [1]} {2, \\"x\\"}"',
  ],
  ["sprintf", '["%d %s", ["x"]]', '"%!d(string=x) %!s(MISSING)"'],
  ["sprintf", '["%[2]s%[1]s %[3]s", ["a", "b"]]', '"ba %!s(BADINDEX)"'],
  ["sprintf", '["", [1, 1.5]]', '"%!(EXTRA int64=1, float64=1.5)"'],
  [
    "sprintf",
    '["%q %U %c", ["a\\u200b\\"", 128512, 128512]]',
    '"\\"a\\\\u200b\\\\\\"\\" U+1F600 😀"',
  ],
  ["sprintf", '["%e %g %v", [1e6, 1e6, 0.000001]]', '"1.000000e+06 1e+06 1e-06"'],
  ["strings.any_prefix_match", '[["a/b", "c"], {"x", "c"}]', "true"],
  ["strings.any_prefix_match", '[[], [""]]', "false"],
  ["strings.any_suffix_match", '["index.html", [".html", ".css"]]', "true"],
  ["strings.count", '["aaaa", "aa"]', "2"],
  ["strings.count", '["a😀", ""]', "3"],
  ["strings.split_n", '["a.b.c", ".", 2]', '["a","b"]'],
  ["strings.split_n", '["a.b.c", ".", -2]', '["b","c"]'],
  ["indexof_n", '["😀aa😀a", "a"]', "[1,2,4]"],
  ["glob.quote_meta", '["*.[a]{b}?\\\\"]', '"\\\\*.\\\\[a\\\\]\\\\{b\\\\}\\\\?\\\\\\\\"'],
  ["hex.decode", '["c3a9ff"]', '"é\u{FFFD}"'],
  ["hex.encode", '["é"]', '"c3a9"'],
  ["base64url.encode_no_pad", '["é?>"]', '"w6k_Pg"'],
  ["regex.replace", '["a-b", "(\\\\w)-(?P<last>\\\\w)", "${last}$1$$"]', '"ba$"'],
  ["regex.replace", '["abc", "(b)", "$1x."]', '"a.c"'],
  ["regex.split", '["a*", "baac"]', '["b","c"]'],
  ["regex.find_n", '["[[:alpha:]]+", "one 2 three", 1]', '["one"]'],
  ["regex.template_match", '["urn:{[a-z]+}:x", "urn:abc:x", "{", "}"]', "true"],
  ["regex.globs_match", '["a.*", ".b+"]', "true"],
  ["regex.globs_match", '["[a-c]+", "[d-f]*d"]', "false"],
  ["urlquery.encode", '["a b&é!"]', '"a+b%26%C3%A9%21"'],
  ["urlquery.decode", '["a+b%26"]', '"a b&"'],
  ["urlquery.encode_object", '[{"b": ["1", "2"], "a": "x y"}]', '"a=x+y&b=1&b=2"'],
  ["urlquery.decode_object", '["a=1&a=2&b"]', '{"a":["1","2"],"b":[""]}'],
  ["uri.is_valid", '["http://[::1%25eth0]:80/"]', "true"],
  ["uri.is_valid", "[1]", "false"],
  [
    "uri.parse",
    '["HTTP://u@h:8/a%2Fb?q#f"]',
    '{"fragment":"f","hostname":"h","path":"/a/b","port":"8","raw_path":"/a%2Fb","raw_query":"q","scheme":"http"}',
  ],
  [
    "strings.render_template",
    '["{{range $i, $e := .l}}{{$i}}={{$e}};{{end}}", {"l": ["a", 2]}]',
    '"0=a;1=2;"',
  ],
  [
    "strings.render_template",
    '["{{if .n}}{{.n}}{{else}}no{{end}} {{.x}}", {"n": 0}]',
    '"0 <undefined>"',
  ],
  ["cast_array", "[{2, 1}]", "[1,2]"],
  ["cast_set", "[[1, 1]]", "{1}"],
  ["cast_null", "[null]", "null"],
  ["cast_boolean", "[false]", "false"],
  ["cast_string", '["a"]', '"a"'],
  ["cast_object", "[{}]", "{}"],
  ["trace", '["a note"]', "true"],
  ["internal.print", "[[{1}]]", "true"],
])("%s%s is %s", (name, operands, expected) => {
  expect(callWith(name, operands)).toBe(expected);
});

test.each([
  ["sprintf", '["%s", "no array"]', "operand 2 must be array but got string"],
  ["strings.split_n", '["a", "b", 1e0]', "operand 3 must be an integer of 64 bits"],
  ["strings.any_prefix_match", '[["a", 1], "a"]', "operand 1 must be string but got array"],
  ["indexof_n", '["a", ""]', "operand 2 must not be empty"],
  ["hex.decode", '["abc"]', "operand 1 must be hexadecimal"],
  ["regex.split", '["(", "a"]', "the pattern is not a regular expression"],
  ["regex.split", '["(?=a)", "a"]', "the pattern is not a regular expression"],
  ["regex.template_match", '["{a", "a", "{", "}"]', "delimiters are not balanced"],
  ["regex.template_match", '["a", "a", "{{", "}"]', "delimiters must be one character"],
  ["regex.globs_match", '["a]", "b"]', "there is a ] without a [ before it"],
  ["urlquery.decode", '["%zz"]', 'there is an escape that is not valid: "%zz"'],
  ["urlquery.decode_object", '["a;b"]', "parameters must not be separated by ;"],
  ["uri.parse", '["http://a:b/"]', "the port is not a number"],
  ["uri.parse", '["http://[1.2.3.4]/"]', "there is no IPv6 address between [ and ]"],
  ["strings.render_template", '["{{.a", {}]', "an action has no end"],
  ["strings.render_template", '["{{nope .a}}", {}]', "there is no identifier nope"],
  ["strings.render_template", '["{{1i}}", {}]', "1i is not a number that is supported"],
  ["strings.render_template", '["{{.a}}", {"a": {1}}]', "there is a set in operand 2"],
  ["cast_string", "[1]", "operand 1 must be string but got number"],
])("%s%s is undefined: %s", (name, operands, message) => {
  expect(() => callWith(name, operands)).toThrow(message);
});

const long = "a".repeat(60_000);

test.each<readonly [what: string, name: string, operands: readonly Value[], message: string]>([
  ["widths of a format", "sprintf", ["%1000000[1]d".repeat(20), [true]], "the text is longer"],
  ["replacements", "regex.replace", [long, "(a)", "$1".repeat(1000)], "the text is longer"],
  ["repetitions", "regex.globs_match", ["a*b*".repeat(600), "a*b*"], "the patterns are too long"],
  ["steps", "strings.render_template", ["{{range 10000000}}{{end}}", parseTerm("{}")], "steps"],
  [
    "templates that call themselves",
    "strings.render_template",
    ["{{define `t`}}{{template `t`}}{{end}}{{template `t`}}", parseTerm("{}")],
    "templates call each other too deeply",
  ],
  [
    "parentheses",
    "strings.render_template",
    [`{{${"(".repeat(10_000)}1${")".repeat(10_000)}}}`, parseTerm("{}")],
    "nested too deeply",
  ],
])("there is an end to %s", (_what, name, operands, message) => {
  expect(() => call(name, operands)).toThrow(message);
});

test.each<readonly [name: string, operands: readonly Value[]]>([
  ["regex.split", ["(a+)+$", `${long}b`]],
  ["regex.find_n", ["(x+x+)+y", "x".repeat(60_000), ...one()]],
  ["regex.globs_match", ["a*".repeat(300).replaceAll("a*", "a*b*"), "a*".repeat(300)]],
])("%s does not take exponential time", (name, operands) => {
  expect(call(name, operands)).toBeDefined();
});

function one(): readonly Value[] {
  return [parseTerm("1")];
}

test.each<readonly [name: string, operands: readonly Value[]]>([
  ["regex.split", ["a", long]],
  ["regex.replace", [long, "a", "b"]],
  ["regex.find_n", ["a", long, parseTerm("-1")]],
  ["regex.globs_match", ["a*b*".repeat(50), "a*b*".repeat(50)]],
  ["indexof_n", [long, "a"]],
  ["strings.render_template", ["{{range 100000}}{{.}}{{end}}", parseTerm("{}")]],
])("%s ends when time is up", (name, operands) => {
  expect(() => call(name, operands, createQuery(10))).toThrow(TimeIsUp);
});

test("patterns that are used again are the same, whatever was used between", () => {
  for (let round = 0; round < 3; round += 1) {
    for (let at = 0; at < 50; at += 1) {
      expect(call("regex.find_n", [`k${at}\\b`, `k${at} k${at}0`, ...one()])).toEqual([`k${at}`]);
    }
  }
});
