import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseMultipart, readBoundary } from "./multipart.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const show = (text: string) =>
  parseMultipart(bytes(text), "b").map(({ name, type, bytes: body }) => [
    name,
    type,
    new TextDecoder().decode(body),
  ]);

test.each([
  ["multipart/form-data; boundary=abc", "abc"],
  ['multipart/form-data; charset=utf-8; Boundary="a b c"', "a b c"],
  ["multipart/form-data", null],
  ["multipart/form-data; boundary=", null],
  ["multipart/form-data; boundary=a; boundary=b", null],
  ['multipart/form-data; boundary="a\\"b"', null],
  [`multipart/form-data; boundary=${"a".repeat(71)}`, null],
])("the boundary of %s is %s", (type, boundary) => {
  expect(readBoundary(type)).toBe(boundary);
});

test("parts are read with names, types and bytes", () => {
  const text = [
    '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nJörg',
    '\r\n--b\r\nContent-Disposition: form-data; name=file; filename="a;b.json"\r\n',
    'content-type: Application/JSON; charset=utf-8\r\n\r\n{"a":1}\r\n\r\n',
    "\r\n--b--\r\n",
  ].join("");
  expect(show(text)).toEqual([
    ["user", "text/plain", "Jörg"],
    ["file", "application/json", '{"a":1}\r\n\r\n'],
  ]);
});

const disposition = 'Content-Disposition: form-data; name="a"';

test.each([
  ["nothing", ""],
  ["no end", `--b\r\n${disposition}\r\n\r\nx`],
  ["something before", `x\r\n--b\r\n${disposition}\r\n\r\nx\r\n--b--`],
  ["something behind", `--b\r\n${disposition}\r\n\r\nx\r\n--b--x`],
  ["no name", "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"],
  ["an empty name", '--b\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n--b--'],
  [
    "bytes to decode",
    `--b\r\n${disposition}\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--`,
  ],
  ["two names", `--b\r\n${disposition}; name="b"\r\n\r\nx\r\n--b--`],
  ["a name in another character set", `--b\r\n${disposition}; name*=utf-8''b\r\n\r\nx\r\n--b--`],
  ["an escape", '--b\r\nContent-Disposition: form-data; name="a\\"b"\r\n\r\nx\r\n--b--'],
  ["another disposition", '--b\r\nContent-Disposition: file; name="a"\r\n\r\nx\r\n--b--'],
  ["a header twice", `--b\r\n${disposition}\r\n${disposition}\r\n\r\nx\r\n--b--`],
  ["a folded header", `--b\r\n${disposition}\r\n ;x=y\r\n\r\nx\r\n--b--`],
  ["no header section", `--b\r\n${disposition}\r\n--b--`],
  ["lines without CR", `--b\n${disposition}\n\nx\n--b--`],
  ["a boundary that goes on", `--bc\r\n${disposition}\r\n\r\nx\r\n--bc--`],
])("%s is an error", (_name, text) => {
  expect(() => show(text)).toThrow(Error);
});

test("what is written is read back, whatever it holds", () => {
  const part = fc.record({ name: fc.stringMatching(/^[\w ä]{1,12}$/), body: fc.uint8Array() });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const pieces = parts.flatMap(({ name, body }) => [
        bytes(`--3f\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        body,
        bytes("\r\n"),
      ]);
      const whole = Buffer.concat([...pieces, bytes("--3f--\r\n")]);
      const read = parseMultipart(whole, "3f");
      expect(read.map(({ name, bytes: body }) => ({ name, body }))).toEqual(
        parts.map(({ name, body }) => ({ name, body: new Uint8Array(body) })),
      );
    }),
  );
});
