import { expect, test } from "vitest";
import { matches, type Selector } from "./selector.ts";
import { isCidr, isRoute, parsePortRange } from "./value.ts";

test.each([
  ["3000", { first: 3000, last: 3000 }],
  ["8000-8010", { first: 8000, last: 8010 }],
  ["65535", { first: 65_535, last: 65_535 }],
  ["0", undefined],
  ["65536", undefined],
  ["2-1", undefined],
  ["1-", undefined],
  ["http", undefined],
])("port range %s", (text, range) => {
  expect(parsePortRange(text)).toEqual(range);
});

test.each([
  ["10.0.0.0/8", true],
  ["10.1.2.3", true],
  ["::/0", true],
  ["fd00::1/128", true],
  ["10.0.0.0/33", false],
  ["fd00::/129", false],
  ["10.0.0/8", false],
  ["10.0.0.0/", false],
  ["host", false],
  ["fe80::1%eth0", false],
])("CIDR %s", (text, expected) => {
  expect(isCidr(text)).toBe(expected);
});

test.each([
  ["GET /", true],
  ["GET /health", true],
  ["* /static/*", true],
  ["* /*", true],
  ["GET health", false],
  ["GET /a*", false],
  ["GET /*/a", false],
  ["GET /a?b", false],
  ["GET  /a", false],
  ["/a", false],
  ["GET /a/", true],
  ["GET /a//b", false],
  ["GET /a/../b", false],
  ["GET /a/.", false],
  ["GET /a%2Fb", false],
  ["* /a//*", false],
  ["GET-X /a", false],
])("route %s", (text, expected) => {
  expect(isRoute(text)).toBe(expected);
});

const selector = (given: Partial<Selector>): Selector => ({
  matchLabels: {},
  matchExpressions: [],
  ...given,
});
const expression = (operator: "In" | "NotIn" | "Exists" | "DoesNotExist", ...values: string[]) =>
  selector({ matchExpressions: [{ key: "tier", operator, values }] });

test.each<readonly [string, Selector, Readonly<Record<string, string>>, boolean]>([
  ["a label", selector({ matchLabels: { app: "a" } }), { app: "a", b: "c" }, true],
  ["another value", selector({ matchLabels: { app: "a" } }), { app: "b" }, false],
  ["no label", selector({ matchLabels: { app: "a" } }), {}, false],
  ["one of two labels", selector({ matchLabels: { app: "a", b: "c" } }), { app: "a" }, false],
  ["a key of every object", selector({ matchLabels: { constructor: "a" } }), {}, false],
  ["In", expression("In", "web", "api"), { tier: "api" }, true],
  ["In, absent", expression("In", "web"), {}, false],
  ["NotIn", expression("NotIn", "web"), { tier: "web" }, false],
  ["NotIn, absent", expression("NotIn", "web"), {}, true],
  ["Exists", expression("Exists"), { tier: "" }, true],
  ["Exists, absent", expression("Exists"), {}, false],
  ["DoesNotExist", expression("DoesNotExist"), { tier: "x" }, false],
  ["DoesNotExist, absent", expression("DoesNotExist"), {}, true],
])("selector: %s", (_, given, labels, expected) => {
  expect(matches(given, labels)).toBe(expected);
});
