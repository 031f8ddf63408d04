import { expect, test } from "vitest";
import { attempt } from "./attempt.ts";
import { decodeBase64, decodeBase64Url, decodeJwkBase64 } from "./base64.ts";

test.each([
  [decodeBase64, "YQ==", "a"],
  [decodeBase64, "Y\nQ=\r\n=", "a"],
  [decodeBase64, "YR==", "a"],
  [decodeBase64, "YQ", null],
  [decodeBase64, "YQ===", null],
  [decodeBase64, "Y=Q=", null],
  [decodeBase64, "_-__", null],
  [decodeBase64Url, "YQ", "a"],
  [decodeBase64Url, "YQ==", "a"],
  [decodeBase64Url, "Y", null],
  [decodeBase64Url, "YQ=", null],
  [decodeBase64Url, "+/==", null],
  [decodeJwkBase64, "YQ", "a"],
  [decodeJwkBase64, "YWE+YQ==", "aa>a"],
])("%o of %j is %j", (decode, text, expected) => {
  expect(attempt(() => decode(text).toString("latin1"))).toBe(expected);
});
