import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RequestHead } from "../../../src/policy/decision.ts";
import { planInput } from "../../../src/policy/fields.ts";
import { buildInput } from "../../../src/policy/input.ts";
import { readTarget } from "../../../src/proxy/target.ts";
import { parseJson } from "../../../src/rego/term.ts";
import { keyOf } from "../../../src/rego/value.ts";
import { sample } from "../differential/harness.ts";
import { requestOf } from "../policy/setting.ts";
import { askGo, type Question } from "./go.ts";

/** A field of the input as JSON, or why there is none. */
type Ours = { readonly json: string } | { readonly refused: string };

interface Reading {
  readonly text: string;
  readonly question: Question;
  readonly ours: Ours;
}

function build(field: string, request: RequestHead, body: Uint8Array | null): Ours {
  const planned = planInput([field]);
  if (planned.kind === "unknown") throw new Error(`there is no ${field}`);
  const read = body === null ? null : { bytes: body, truncated: false };
  const built = buildInput(planned.plan, request, read, { time: () => "", id: () => "" });
  if (built.kind === "refused") return { refused: built.detail };
  return { json: built.text.slice(`{"${field}":`.length, -1) };
}

function readPath(path: string): Reading {
  const target = readTarget(path);
  const ours = target.ok
    ? build("parsed_path", requestOf({ target: target.target }), null)
    : { refused: target.detail };
  return { text: path, question: { kind: "path", bytes: Buffer.from(path) }, ours };
}

function readQuery(query: string): Reading {
  const ours = build("parsed_query", requestOf({ target: `/a?${query}` }), null);
  return { text: query, question: { kind: "form", bytes: Buffer.from(query) }, ours };
}

function readBody(kind: "form" | "json" | "multipart", type: string) {
  return (bytes: Uint8Array): Reading => {
    const request = requestOf({ method: "POST", rawHeaders: ["Content-Type", type] });
    const ours = build("parsed_body", request, bytes);
    const text = Buffer.from(bytes).toString("latin1");
    return { text, question: { kind, bytes, contentType: type }, ours };
  };
}

/** As terms: the order of members says nothing. How often U+FFFD stands for bad bytes varies. */
function fold(json: string): string {
  return keyOf(parseJson(json.replaceAll(/(?:\ufffd|\\ufffd)+/g, "\ufffd")));
}

interface Comparison {
  readonly differing: readonly string[];
  /** Why we refuse what Go reads, once for each. */
  readonly stricter: readonly string[];
  /** Read by both. */
  readonly alike: number;
}

async function compare(readings: readonly Reading[]): Promise<Comparison> {
  const answers = await askGo(readings.map(({ question }) => question));
  const differing: string[] = [];
  const stricter: string[] = [];
  let alike = 0;
  for (const [index, { text, ours }] of readings.entries()) {
    const answer = answers[index];
    if (answer === undefined) throw new Error("an answer is missing");
    if ("refused" in ours) {
      if (answer.accepted) stricter.push(`${ours.refused}: ${text}`);
    } else if (answer.accepted && fold(answer.value) === fold(ours.json)) alike += 1;
    else
      differing.push(
        `${text}\n  Go: ${answer.accepted ? answer.value : "refused"}\n  we: ${ours.json}`,
      );
  }
  return { differing, stricter, alike };
}

const piecesOf = (words: string, separator: string) =>
  fc
    .array(fc.constantFrom(...words.split(" ")), { maxLength: 10 })
    .map((list) => list.join(separator));

const paths = fc.oneof(
  piecesOf(
    "/ . .. ; a b é 7 - ~ % %2 %2F %2f %5c \\ %2e %252e %20 %3b %3F %c3%a9 %c0%af %ff : + & =",
    "",
  ),
  fc.webPath(),
);
const queries = fc.oneof(
  piecesOf(
    "a b = & + % %2 %20 %26 %3D %3b ; %c3%a9 %ff %00 ? / : é == && a=1 a=2 b[]=3 __proto__=x",
    "",
  ),
  fc.webQueryParameters(),
);

describe("what the bouncer reads, Go's parsers read in the same way", () => {
  test("paths", async () => {
    const found = await compare(sample(paths, 4000).map((path) => readPath(`/${path}`)));
    expect(found.differing).toEqual([]);
    expect(found.alike).toBeGreaterThan(800);
  });

  test("queries, and what Go refuses of them is refused", async () => {
    const found = await compare(sample(queries, 4000).map(readQuery));
    expect(found.differing).toEqual([]);
    expect(found.stricter).toEqual([]);
    expect(found.alike).toBeGreaterThan(2000);
  });

  test("forms; only bytes that are not UTF-8 are refused here and read there", async () => {
    const bytes = fc.oneof(
      queries.map((text) => Buffer.from(text)),
      queries.map((text) => Buffer.from(`${text}&x=é`, "latin1")),
    );
    const read = readBody("form", "application/x-www-form-urlencoded; charset=utf-8");
    const found = await compare(
      sample(bytes, 2000)
        .filter(({ length }) => length > 0)
        .map(read),
    );
    expect(found.differing).toEqual([]);
    expect(found.stricter.filter((why) => !/[\x80-\xff]/.test(why))).toEqual([]);
    expect(found.alike).toBeGreaterThan(400);
  });

  test("JSON", async () => {
    const written = fc.oneof(
      fc.json(),
      piecesOf(
        String.raw`{ } [ ] , : "a" "b" 1 -0 1.50 1e3 01 1e999 9007199254740993 null true nul "\u00e9" "\ud800" "\/" \t`,
        "",
      ),
      fc.json().map((text) => `${text} x`),
    );
    const bytes = sample(written, 4000).map((text) => Buffer.from(text));
    const read = readBody("json", "application/json");
    const found = await compare(bytes.filter(({ length }) => length > 0).map(read));
    expect(found.differing).toEqual([]);
    const named =
      /^(?:the number \S+ is too large|the body has half a surrogate|the name .* is in an object twice)/;
    expect(found.stricter.filter((why) => !named.test(why))).toEqual([]);
    expect(found.alike).toBeGreaterThan(1000);
  });

  test("multipart bodies, where ours are strict enough for both", async () => {
    const type = fc.constantFrom(
      null,
      "text/plain",
      "application/json",
      "application/json; charset=utf-8",
      "application/json-patch+json",
    );
    const part = fc.record({
      name: fc.stringMatching(/^[\w é.[\]-]{1,8}$/),
      file: fc.option(fc.stringMatching(/^[\w ;=.-]{1,8}$/)),
      type,
      text: fc.oneof(fc.json(), fc.string({ unit: "binary-ascii" })),
    });
    const bodies = fc
      .array(part, { maxLength: 4 })
      .map((parts) =>
        Buffer.from(
          [
            ...parts.flatMap((one) => [
              `--3f 3f\r\nContent-Disposition: form-data; name="${one.name}"`,
              one.file === null ? "" : `; filename="${one.file}"`,
              one.type === null ? "" : `\r\nContent-Type: ${one.type}`,
              `\r\n\r\n${one.text}\r\n`,
            ]),
            "--3f 3f--\r\n",
          ].join(""),
        ),
      );
    const read = readBody("multipart", 'multipart/form-data; boundary="3f 3f"');
    const found = await compare(sample(bodies, 2000).map(read));
    expect(found.differing).toEqual([]);
    expect(found.alike).toBeGreaterThan(800);
  });

  test("multipart bodies of any form are refused or read as Go reads them", async () => {
    const header = fc.constantFrom(
      "Content-Type: application/json",
      "content-type: text/plain",
      "Content-Transfer-Encoding: quoted-printable",
      "Content-Transfer-Encoding: binary",
      'Content-Disposition: form-data; name="c"',
      " folded: x",
      "X-Other:y",
      "none",
    );
    const disposition = fc.constantFrom(
      'form-data; name="a"',
      'Form-Data;name=a ; filename="c;d"',
      "form-data; name=b",
      'form-data; name=""',
      'form-data; name="a"; name="b"',
      "form-data; name*=utf-8''a",
      'form-data; name="a\\"b"',
      'attachment; name="a"',
      "form-data",
    );
    const part = fc
      .tuple(
        fc.constantFrom("--b", "--b", "--b", "--b ", "--bc"),
        disposition.map((value) => `Content-Disposition: ${value}`),
        fc.array(header, { maxLength: 1 }),
        fc.constantFrom("1", "x", "", "--b", "=3D", "\r\n", "\n"),
      )
      .map(([delimiter, first, more, text]) => [delimiter, first, ...more, "", text]);
    const ends = fc.constantFrom("--b--\r\n", "--b--", "--b-- ", "--b--x", "--b", "");
    const bodies = fc
      .tuple(fc.array(part, { maxLength: 3 }), ends, fc.constantFrom("\r\n", "\r\n", "\r\n", "\n"))
      .map(([parts, last, end]) => Buffer.from([...parts.flat(), last].join(end)))
      .filter(({ length }) => length > 0);
    const read = readBody("multipart", "multipart/form-data; boundary=b");
    const found = await compare(sample(bodies, 6000).map(read));
    expect(found.differing).toEqual([]);
    expect(found.alike).toBeGreaterThan(200);
  });
});
