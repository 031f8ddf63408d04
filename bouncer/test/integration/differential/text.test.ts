import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegoNumber } from "../../../src/rego/number.ts";
import { isPrintable } from "../../../src/rego/text/printable.ts";
import { RegoObject, RegoSet, type Value } from "../../../src/rego/value.ts";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyNumber, anyString, anyValue, mostly } from "./operand.ts";

const text = mostly(anyString);

/** ASCII only. */
function letters(all: string): readonly string[] {
  return all.split("");
}

/** Few different characters, so that what is searched for is found. */
const dense = fc.string({ unit: fc.constantFrom("a", "b", "ab", "é", "😀", " "), maxLength: 10 });

const flags = fc.string({ unit: fc.constantFrom("#", "0", "+", "-", " "), maxLength: 3 });

const size = fc.oneof(
  { weight: 6, arbitrary: fc.constant("") },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 25 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("*", "[1]*", "[2]*", "00", "1000", "1000001", "99999999999"),
  },
);

const precision = fc.oneof(
  fc.constant(""),
  fc.constant("."),
  size.map((digits) => `.${digits}`),
);

const index = fc.oneof(
  { weight: 12, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("[1]", "[2]", "[3]", "[0]", "[9]", "[", "[]", "[x]", "[-1]", "[1"),
  },
);

const verb = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...letters("vsdfFeEgGxXoObcqUtT%")) },
  { weight: 1, arbitrary: fc.constantFrom("z", "!", "é", "😀", "", "\n") },
);

const directive = fc
  .tuple(flags, index, size, precision, verb)
  .map((parts) => `%${parts.join("")}`);

const format = fc
  .array(fc.oneof({ weight: 3, arbitrary: directive }, { weight: 1, arbitrary: anyString }), {
    maxLength: 4,
  })
  .map((parts) => parts.join(""));

function toNumber(written: string): RegoNumber {
  return RegoNumber.parse(written) ?? RegoNumber.of(0);
}

/** Doubles of every magnitude, as they are written and with all the digits. */
const double = fc.oneof(
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value) =>
      toNumber(/[.e]/.test(String(value)) ? String(value).replace("e+", "e") : `${value}.0`),
    ),
  fc
    .tuple(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: -40, max: 40 }))
    .map(([digits, exponent]) => toNumber(`${digits}e${exponent}`)),
  fc
    .constantFrom("0.5", "1.5", "2.5", "0.125", "1e21", "1e999", "-0.0", "5e-324", "1e-400")
    .map(toNumber),
);

test("sprintf", async () => {
  const value = fc.oneof(anyValue, anyNumber, double, anyString);
  const operands = fc.tuple(format, fc.array(value, { maxLength: 4 }));
  expect(await compareWithOpa(sampleCalls("sprintf", operands, 6000))).toEqual([]);
});

test("sprintf of numbers", async () => {
  const operands = fc.tuple(
    fc
      .tuple(flags, size, precision, fc.constantFrom(...letters("vdfeEgGxXboOcqU")))
      .map((parts) => `%${parts.join("")}`),
    fc.oneof(anyNumber, double).map((number) => [number]),
  );
  expect(await compareWithOpa(sampleCalls("sprintf", operands, 6000))).toEqual([]);
});

test("sprintf with verbs that are for other values", async () => {
  const verbs = fc
    .tuple(flags, size, fc.constantFrom("p", "w"))
    .map((parts) => `%${parts.join("")}`);
  // Big numbers would show where and how Go keeps them.
  const value = fc.oneof(
    anyString,
    double,
    fc.integer().map((small) => RegoNumber.of(small)),
  );
  const operands = fc.tuple(verbs, fc.tuple(value));
  expect(await compareWithOpa(sampleCalls("sprintf", operands, 500))).toEqual([]);
});

test("sprintf of operands of a wrong type", async () => {
  const operands = fc.tuple(mostly(anyString), anyValue);
  expect(await compareWithOpa(sampleCalls("sprintf", operands, 300))).toEqual([]);
});

const texts = fc.oneof(
  dense,
  fc.array(dense, { maxLength: 4 }),
  fc.array(dense, { maxLength: 4 }).map((members) => new RegoSet(members)),
  anyValue,
);

test.each(["strings.any_prefix_match", "strings.any_suffix_match"])("%s", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(texts, texts), 1500))).toEqual([]);
});

test.each(["strings.count", "indexof_n"])("%s", async (name) => {
  const operands = fc.oneof(fc.tuple(dense, dense), fc.tuple(text, text));
  expect(await compareWithOpa(sampleCalls(name, operands, 1500))).toEqual([]);
});

const limit = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map((value) => RegoNumber.of(value)),
  anyNumber,
  fc.constantFrom("1.0", "2.00", "1e0", "2.000000000000000000", "-0", "-1.0").map(toNumber),
  anyValue,
);

test("strings.split_n", async () => {
  const operands = fc.tuple(fc.oneof(dense, text), fc.oneof(dense, text), limit);
  expect(await compareWithOpa(sampleCalls("strings.split_n", operands, 2000))).toEqual([]);
});

const ofOneText = [
  "base64url.encode_no_pad",
  "glob.quote_meta",
  "hex.decode",
  "hex.encode",
  "uri.is_valid",
  "uri.parse",
  "urlquery.decode",
  "urlquery.decode_object",
  "urlquery.encode",
] as const;

test.each(ofOneText)("%s of any text", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(text), 800))).toEqual([]);
});

test("hex.decode of bytes that may be no text", async () => {
  const hex = fc
    .array(
      fc.oneof(
        fc.constantFrom(0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xc3, 0xed, 0xa0),
        fc.integer({ min: 0, max: 255 }),
      ),
      { maxLength: 8 },
    )
    .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  const odd = fc.string({ unit: fc.constantFrom(...letters("0123abcDEFg")), maxLength: 6 });
  const operands = fc.tuple(fc.oneof(hex, odd));
  expect(await compareWithOpa(sampleCalls("hex.decode", operands, 1500))).toEqual([]);
});

const piece = fc.constantFrom(
  ...letters("/:?#@[]%&=+;,!$'()*<>\"-_.~ \\^`{}|"),
  "//",
  "///",
  "http",
  "https",
  "HTTP",
  "postgres",
  "mailto",
  ":80",
  ":",
  "::1",
  "[::1]",
  "[fe80::1%25en0]",
  "%2F",
  "%2f",
  "%zz",
  "%",
  "%25",
  "%C3%A9",
  "%ff",
  "%6d",
  "%20",
  "%21",
  "a",
  "b.c",
  "é",
  "😀",
  "1.2.3.4",
  "..",
  "\u0000",
  "\u007f",
);

const url = fc.oneof(
  fc.array(piece, { maxLength: 8 }).map((parts) => parts.join("")),
  fc
    .tuple(
      fc.constantFrom("http://", "https://", "ftp://", "//", "x:", ""),
      fc.array(piece, { maxLength: 6 }),
    )
    .map(([head, parts]) => head + parts.join("")),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
);

test.each(["uri.is_valid", "uri.parse"])("%s of what looks like a URL", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(url), 4000))).toEqual([]);
});

test("uri.parse of IPv6 addresses", async () => {
  const group = fc.constantFrom(
    "0",
    "1",
    "ffff",
    "12345",
    "::",
    ":",
    "1.2.3.4",
    "01.2.3.4",
    "256.1.1.1",
    "g",
    "%25",
    "%25a",
    "%2520",
  );
  const address = fc.oneof(
    fc.ipV6(),
    fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(":")),
    fc.array(group, { minLength: 1, maxLength: 5 }).map((groups) => groups.join("")),
  );
  const operands = fc.tuple(address.map((host) => `http://[${host}]/`));
  expect(await compareWithOpa(sampleCalls("uri.parse", operands, 3000))).toEqual([]);
});

test.each(["urlquery.decode", "urlquery.decode_object"])("%s of queries", async (name) => {
  const queries = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(queries), 2000))).toEqual([]);
});

test("urlquery.encode_object", async () => {
  const value = mostly(
    fc.oneof(
      anyString,
      fc.array(anyString, { maxLength: 3 }),
      fc.array(anyString, { maxLength: 3 }).map((members) => new RegoSet(members)),
    ),
  );
  const key: fc.Arbitrary<Value> = fc.oneof(
    { weight: 8, arbitrary: anyString },
    { weight: 1, arbitrary: anyValue },
  );
  const fields = fc
    .array(fc.tuple(key, value), { maxLength: 4 })
    .map((members) => new RegoObject(members));
  expect(
    await compareWithOpa(sampleCalls("urlquery.encode_object", fc.tuple(mostly(fields)), 2000)),
  ).toEqual([]);
});

test("trace", async () => {
  expect(await compareWithOpa(sampleCalls("trace", fc.tuple(text), 100))).toEqual([]);
});

const token = fc.constantFrom(
  ...letters("abcz019.^$*+?()[]{}|\\\\/- _,:<>=!PQEdDwWsSbBAzZnpLkxuCGi#&~@%'\"`;"),
  "é",
  "😀",
  "日",
  "[a-z]",
  "[^a-z]",
  "[[:alpha:]]",
  "[[:^digit:]]",
  "[é-ö]",
  "(?i)",
  "(?s)",
  "(?m)",
  "(?U)",
  "(?-i:",
  "(?P<n>",
  "(?<n>",
  "(?:",
  "(?=",
  "(?!",
  "(?<=",
  "\\d",
  "\\w",
  "\\s",
  "\\b",
  "\\B",
  "\\A",
  "\\z",
  "\\Z",
  "\\pL",
  "\\PN",
  "\\p{Greek}",
  "\\p{^Lu}",
  "\\p{Foo}",
  "\\Q",
  "\\E",
  "\\x41",
  "\\x{1F600}",
  "\\x{110000}",
  "\\n",
  "\\t",
  "\\1",
  "\\07",
  "\\C",
  "\\u0041",
  "\\k<n>",
  "{2}",
  "{1,2}",
  "{,2}",
  "{2,}",
  "{2,1}",
  "{1000}",
  "{1001}",
  "*?",
  "+?",
  "??",
  "**",
  "a|",
  "|b",
  "()",
  "(a)",
  "(b*)",
  ".*",
  "a*",
  "$",
  "^",
  "[]a]",
  "[]",
  "[a",
  "[a-\\d]",
  "[z-a]",
  "[\\d-z]",
  "[-a]",
  "[a&&b]",
);

const pattern = fc.oneof(
  { weight: 6, arbitrary: fc.array(token, { maxLength: 5 }).map((parts) => parts.join("")) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "",
      "a*",
      "b*|a",
      "(a)(b)?",
      "(?P<x>a)|(?P<y>b)",
      "\\b",
      "^",
      "$",
      "(?m)^",
      "(?m)$",
      "(?i)É",
      "[^a]",
      "(a|ab)(c|bcd)?",
      "(a+)+$",
      "x*",
      "(?i)k",
      "(?i)ſ",
    ),
  },
  { weight: 1, arbitrary: anyString },
);

/** OPA's Go knows the characters of Unicode 15, re2js newer ones: they are in other classes there. */
function isKnown(subject: string): boolean {
  return Array.from(subject).every(
    (character) =>
      isPrintable(character.codePointAt(0) ?? 0) || !/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character),
  );
}

const subject = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      "a",
      "b",
      "c",
      "ab",
      "z",
      "0",
      "9",
      " ",
      "\n",
      "é",
      "É",
      "😀",
      "日",
      "_",
      ".",
      "K",
      "\u212a",
      "S",
      "\u017f",
      "-",
    ),
    maxLength: 12,
  }),
  anyString.filter(isKnown),
);

test("classes of Unicode by any of their names", async () => {
  const name = fc.oneof(
    fc.constantFrom(
      "Any",
      "ascii",
      "ASSIGNED",
      "LC",
      "Cn",
      "Lu",
      "lu",
      "LU",
      "Greek",
      "greek",
      "Old_Italic",
      "old italic",
      "Nko",
      "N_k-o",
      "SignWriting",
      "upper case letter",
      "Uppercase_Letter",
      "cntrl",
      "digit",
      "punct",
      "Punctuation",
      "alpha",
      "",
      "^",
      "^Lu",
      "^ Lu",
      "^^Lu",
      " L",
      "L}",
      "é",
      "Foo",
      "ſ",
      "Cased_Letter",
      "Currency Symbol",
      "Phags_Pa",
    ),
    fc.constantFrom("c", "C", "l", "N", "p", "x", "é").map((letter) => `/${letter}`),
  );
  const classes = fc
    .tuple(
      fc.constantFrom("\\p", "\\P", "[\\p", "\\Q\\p", "\\\\p", "(?i)\\p", "\\Q\\\\E\\p"),
      name,
      fc.constantFrom("", "]", "\\E"),
    )
    .map(
      ([head, inner, tail]) =>
        head + (inner.startsWith("/") ? inner.slice(1) : `{${inner}}`) + tail,
    );
  const operands = fc.tuple(classes, subject, fc.constant(RegoNumber.of(-1)));
  expect(await compareWithOpa(sampleCalls("regex.find_n", operands, 4000))).toEqual([]);
});

test("regex.split", async () => {
  const operands = fc.tuple(mostly(pattern), mostly(subject));
  expect(await compareWithOpa(sampleCalls("regex.split", operands, 5000))).toEqual([]);
});

test("regex.find_n", async () => {
  const operands = fc.tuple(mostly(pattern), mostly(subject), limit);
  expect(await compareWithOpa(sampleCalls("regex.find_n", operands, 5000))).toEqual([]);
});

test("regex.replace", async () => {
  const replacement = fc
    .array(
      fc.constantFrom(
        "$",
        "$$",
        "$1",
        "$0",
        "$2",
        "${1}",
        "${0}x",
        "$1x",
        "${n}",
        "$n",
        "${x}",
        "$y",
        "${",
        "${}",
        "${n",
        "$é",
        "${é}",
        "$01",
        "$100000000",
        "$99999999999",
        "$-1",
        "\\1",
        "a",
        "😀",
        "$٣",
        "$_",
        "$constructor",
        "$&",
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.join(""));
  const operands = fc.tuple(mostly(subject), mostly(pattern), mostly(replacement));
  expect(await compareWithOpa(sampleCalls("regex.replace", operands, 5000))).toEqual([]);
});

test("regex.template_match", async () => {
  const part = fc.constantFrom(
    "a",
    "b",
    ":",
    ".",
    "{",
    "}",
    "<",
    ">",
    "{a}",
    "{.*}",
    "{[a-z]+}",
    "{a{2}}",
    "<.*>",
    "{b|a}",
    "{(a)}",
    "{(}",
    "{)(}",
    "(",
    "[",
    "é",
    "$",
    "{^a$}",
    "{a|^}",
    "\\",
    "{\\d}",
    "0",
  );
  const template = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  const delimiters = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(["{", "}"] as const, ["<", ">"] as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ["{", "{"] as const,
        ["", "}"] as const,
        ["é", "}"] as const,
        ["{", "}}"] as const,
        ["a", "b"] as const,
        [".", "."] as const,
      ),
    },
  );
  const plain = fc.string({
    unit: fc.constantFrom("a", "b", ":", ".", "é", "{", "}", "0", "$", "("),
    maxLength: 6,
  });
  const operands = fc
    .tuple(template, plain, delimiters)
    .map(([one, other, [start, end]]): readonly Value[] => [one, other, start, end]);
  expect(await compareWithOpa(sampleCalls("regex.template_match", operands, 4000))).toEqual([]);
});

test("regex.globs_match", async () => {
  const item = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom("a", "b", ".", "a*", "b+", ".*", ".+", "[ab]", "[a-c]*", "[bc]+"),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "[",
        "]",
        "*",
        "+",
        "-",
        "\\",
        "\\*",
        "\\]",
        "[]",
        "[]*",
        "[-a]",
        "[a-]",
        "[c-a]",
        "[a-b-c]",
        "[\\]]",
        "[a\\-c]",
        "[a-\\]]",
        "[^a]",
        "[é-ö]",
        "é",
        "😀+",
        "[😀-😂]",
      ),
    },
  );
  const glob = fc.array(item, { maxLength: 7 }).map((parts) => parts.join(""));
  const operands = fc.tuple(mostly(glob), mostly(glob));
  expect(await compareWithOpa(sampleCalls("regex.globs_match", operands, 8000))).toEqual([]);
});
