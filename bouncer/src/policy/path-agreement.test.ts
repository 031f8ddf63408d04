import * as fc from "fast-check";
import { expect, test } from "vitest";
import { editQuery, readTarget } from "../proxy/target.ts";
import { parsePath } from "./target.ts";

/** Decodes escapes to bytes and those to text, as an application would that knows nothing of ours. */
function decode(text: string): string {
  const bytes = Buffer.from(
    text.replaceAll(/%([\da-f]{2})/gi, (_escape, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    "latin1",
  );
  return bytes.toString("utf8");
}

/** The ways in which applications come from a request line to segments. */
const readers: Readonly<Record<string, (path: string) => readonly string[]>> = {
  "decoded, then split": (path) => decode(path).slice(1).split("/"),
  "split, then decoded": (path) => path.slice(1).split("/").map(decode),
  "decoded as a URI": (path) => decodeURIComponent(path).slice(1).split("/"),
  "resolved as a URL": (path) =>
    new URL(path, "http://app").pathname.slice(1).split("/").map(decode),
  "without empty segments": (path) => {
    const segments = path.split("/").filter((segment) => segment !== "");
    return [...segments, ...(path.endsWith("/") ? [""] : [])].map(decode);
  },
};

/** Written by somebody who looks for what is read in two ways. */
const pieces = fc.constantFrom(
  ..."/ . .. ; ? & = + a é B 7 - ~ % %2 %2F %2f %5c \\ %2e %2E %252e %25 %20 %3b %3F %23 %00 %7f %c3%a9 %c0%af %ff : @ ! $ ' ( ) * , |".split(
    " ",
  ),
);
const targets = fc.oneof(
  fc.array(pieces, { maxLength: 8 }).map((parts) => `/${parts.join("")}`),
  fc.webPath().map((path) => `/${path}`),
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => `/${text}`),
);
const names = fc.constantFrom("a", "b c", "&", "é");
const edits = fc.record({
  remove: fc.array(names, { maxLength: 2 }),
  set: fc.array(fc.tuple(names, fc.string({ unit: "grapheme", maxLength: 4 })), { maxLength: 2 }),
});

test("a path is refused, or parsed_path is what every application reads in what it is handed", () => {
  fc.assert(
    fc.property(targets, edits, (target, { remove, set }) => {
      const read = readTarget(target);
      if (!read.ok) return;
      const parsed = parsePath(read.target);
      const handed = editQuery(read.target, remove, set);
      const [path = ""] = handed.split("?", 1);
      const seen = Object.entries(readers).map(([name, segments]) => [name, segments(path)]);
      expect(seen).toEqual(Object.keys(readers).map((name) => [name, parsed]));
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["/", [""]],
  ["/a/", ["a", ""]],
  ["/a%20b/%C3%A9", ["a b", "é"]],
  ["/a%252e", ["a%2e"]],
  ["/a;v=1/b", ["a;v=1", "b"]],
  ["/a+b", ["a+b"]],
])("%s is %j to policy and application", (target, segments) => {
  const read = readTarget(target);
  expect(read.ok && parsePath(read.target)).toEqual(segments);
  for (const reader of Object.values(readers)) expect(reader(target)).toEqual(segments);
});
