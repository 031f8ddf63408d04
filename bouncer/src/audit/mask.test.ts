import { expect, test } from "vitest";
import { createDocumentMask } from "./document.ts";
import { maskTarget } from "./mask.ts";

function maskDocument(document: unknown, root: string) {
  const { text, pointers } = createDocumentMask()(JSON.stringify(document), root);
  return { value: JSON.parse(text) as unknown, pointers };
}

test.each([
  ["/a", "/a"],
  ["/a?x=1&token=abc&y=2", "/a?x=1&token=***&y=2"],
  ["/a?ACCESS_TOKEN=abc", "/a?ACCESS_TOKEN=***"],
  ["/a?tokens=1&mytoken=2", "/a?tokens=1&mytoken=2"],
  ["password=a&b=c", "password=***&b=c"],
  ["/a?%74oken=abc", "/a?%74oken=***"],
  ["/a?client%5Fsecret=abc&%zz=1", "/a?client%5Fsecret=***&%zz=1"],
])("%s is shown as %s", (target, expected) => {
  expect(maskTarget(target)).toBe(expected);
});

test("credentials and bodies of an input are masked, and listed", () => {
  const input = {
    attributes: {
      request: {
        http: {
          method: "POST",
          path: "/login?code=42",
          headers: { authorization: "Bearer t", cookie: "a=b", "x/y~z": "kept", accept: "*/*" },
          body: '{"password":"p"}',
        },
      },
    },
    parsed_body: { password: "p" },
    parsed_query: { token: ["t"], page: ["1"] },
    parsed_path: ["login"],
    truncated_body: false,
  };
  const before = structuredClone(input);
  const { value, pointers } = maskDocument(input, "/input");
  const http = "/input/attributes/request/http";
  expect(pointers).toEqual([
    `${http}/path`,
    `${http}/headers/authorization`,
    `${http}/headers/cookie`,
    `${http}/body`,
    "/input/parsed_body",
    "/input/parsed_query/token",
  ]);
  expect(value).toEqual({
    attributes: {
      request: {
        http: {
          method: "POST",
          path: "/login?code=***",
          headers: { authorization: "***", cookie: "***", "x/y~z": "kept", accept: "*/*" },
          body: "***",
        },
      },
    },
    parsed_body: "***",
    parsed_query: { token: "***", page: ["1"] },
    parsed_path: ["login"],
    truncated_body: false,
  });
  expect(input).toEqual(before);
});

test("the raw body and the query in the header member :path are masked, too", () => {
  const http = { headers: { ":path": "/login?token=t" }, rawBody: "cGFzc3dvcmQ=" };
  expect(maskDocument(http, "/http")).toEqual({
    value: { headers: { ":path": "/login?token=***" }, rawBody: "***" },
    pointers: ["/http/headers/:path", "/http/rawBody"],
  });
});

test.each([[null], [true], ["text"], [[1, 2]]])("%j stays as it is", (value) => {
  expect(maskDocument(value, "/result")).toEqual({ value, pointers: [] });
});
