import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegoNumber } from "../../../src/rego/number.ts";
import { fromJson } from "../../../src/rego/term.ts";
import { RegoObject, type Value } from "../../../src/rego/value.ts";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyString, anyValue, mostly } from "./operand.ts";

function toObject(members: Readonly<Record<string, Value | undefined>>): RegoObject {
  return new RegoObject(
    Object.entries(members).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** Now and then there, and then mostly of its type. */
function maybe(usual: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(mostly(usual), { nil: undefined, freq: 1 });
}

const url = fc.oneof(
  fc.constantFrom(
    "https://bucket.s3.amazonaws.com/",
    "https://bucket.s3.amazonaws.com:8443/a b/c%2Fd?x=1&a=2&x=0",
    "https://example.com",
    "https://user:p@example.com/a//b/../c?#frag",
    "http://example.com/\u00fc?q=\u00fc",
    "https://example.com/!$&'()*+,;=:@~%7e?%zz",
    "relative/path",
    "mailto:a@b",
    "https://[::1]:1/x",
    "https://exa mple.com",
    "https://example.com/%zz",
    "*",
  ),
  anyString,
);

const headers = fc
  .array(
    fc.tuple(
      mostly(
        fc.oneof(
          fc.constantFrom(
            "Content-Type",
            "Accept",
            "X-\u00dc",
            "authorization",
            "User-Agent",
            "Host",
            "X-Amzn-Trace-Id",
          ),
          anyString,
        ),
      ),
      mostly(anyString),
    ),
    { maxLength: 3 },
  )
  // Of two headers with one name in lower case, OPA takes any, and of several without a name as well.
  .filter((members) => {
    const names = members.map(([name]) => (typeof name === "string" ? name.toLowerCase() : ""));
    return new Set(names).size === names.length;
  })
  .map((members) => new RegoObject(members));

const request = fc
  .record({
    method: mostly(fc.constantFrom("GET", "put", "")),
    url: mostly(url),
    headers: maybe(headers),
    body: maybe(anyValue),
    raw_body: maybe(anyString),
    timeout: fc.constantFrom<(Value | undefined)[]>(undefined, undefined, "5s"),
    nonsense: fc.constantFrom<(Value | undefined)[]>(
      undefined,
      undefined,
      undefined,
      undefined,
      null,
    ),
  })
  .map(toObject);

const config = fc
  .record({
    aws_service: mostly(fc.constantFrom("s3", "glacier", "ecr", "")),
    aws_region: mostly(fc.constantFrom("us-east-1", "", "\u00fc")),
    aws_access_key: mostly(anyString),
    aws_secret_access_key: mostly(anyString),
    aws_session_token: maybe(anyString),
    disable_payload_signing: maybe(fc.boolean()),
    other: maybe(anyString),
  })
  .map(toObject);

const time = fc.constantFrom(
  ...[
    "0",
    "1772368496789000000",
    "-1",
    "-1000000001",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e18",
    "1.5",
    "1000.0",
  ].map((text) => RegoNumber.parse(text) ?? RegoNumber.of(0)),
);

test("providers.aws.sign_req", async () => {
  const calls = sampleCalls(
    "providers.aws.sign_req",
    fc.tuple(mostly(request), mostly(config), mostly(time)),
    1500,
  );
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("a request as people write it", async () => {
  const call = [
    "providers.aws.sign_req",
    fromJson({
      method: "get",
      url: "https://s3.example/a",
      headers: { a: "b" },
      body: { "<": 1, a: [] },
    }),
    fromJson({
      aws_service: "s3",
      aws_region: "r",
      aws_access_key: "k",
      aws_secret_access_key: "s",
    }),
    fromJson(1_772_368_496_789_000_000n),
  ] as const;
  expect(await compareWithOpa([call])).toEqual([]);
});
