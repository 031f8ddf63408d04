import { expect, test } from "vitest";
import { builtins } from "./builtins.ts";

const call = (name: string, ...args: readonly unknown[]): unknown => builtins.get(name)?.(...args);

test.each([
  ["base64url.encode_no_pad", ["\u00e9?>"], "w6k_Pg"],
  ["crypto.hmac.equal", ["abc", "abc"], true],
  ["crypto.hmac.equal", ["abc", "abd"], false],
  ["crypto.hmac.equal", ["abc", "abcd"], false],
  [
    "crypto.hmac.sha256",
    ["foo", "bar"],
    "147933218aaabc0b8b10a2b3a5c34684c8d94341bcf10a4736dc7270f7741851",
  ],
  ["crypto.md5", ["foo"], "acbd18db4cc2f85cedef654fccc4a4d8"],
  ["crypto.sha1", ["foo"], "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33"],
  ["crypto.sha256", ["foo"], "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
  ["crypto.sha256", [1], undefined],
  ["glob.quote_meta", ["*.domain.com"], String.raw`\*.domain.com`],
  ["hex.encode", ["\u00e9"], "c3a9"],
  ["hex.decode", ["C3A9"], "\u00e9"],
  ["hex.decode", ["c3a"], undefined],
  ["strings.any_prefix_match", ["/a/b", ["/x", "/a"]], true],
  ["strings.any_prefix_match", [["/a", "/b"], "/c"], false],
  ["strings.any_prefix_match", [["/a", 1], "/c"], undefined],
  ["strings.any_suffix_match", ["a.example", "example"], true],
  ["strings.count", ["cheese", "e"], 3],
  ["strings.count", ["five", ""], 5],
  [
    "sprintf",
    ["%s is %d of %v, %t, %q, 100%%", ["a", 1, 1.5, true, 'b"']],
    'a is 1 of 1.5, true, "b\\"", 100%',
  ],
  ["sprintf", [1, []], undefined],
  ["sprintf", ["x", "y"], undefined],
])("%s of %j is %j", (name, args, result) => {
  expect(call(name, ...args)).toEqual(result);
});

test.each([
  ["%x", [1]],
  ["%d", ["a"]],
  ["%s", [1]],
  ["%v", [{ a: 1 }]],
  ["%v", [1e21]],
  ["%s", []],
  ["x", [1]],
  ["%", [1]],
  ["%q", ["\u00e9"]],
])("sprintf of %j with %j is not guessed", (format, values) => {
  expect(() => call("sprintf", format, values)).toThrow("sprintf");
});
