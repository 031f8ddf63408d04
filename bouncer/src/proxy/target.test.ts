import * as fc from "fast-check";
import { expect, test } from "vitest";
import { editQuery, readTarget } from "./target.ts";

test.each([
  ["/", "/"],
  ["/a/b?c=d", "/a/b?c=d"],
  ["/?a=/../%2F//\\", "/?a=/../%2F//\\"],
  ["/%7euser/%61%2dz", "/~user/a-z"],
  ["/caf%C3%A9/%20", "/caf%C3%A9/%20"],
  ["/a%25b", "/a%25b"],
  ["/.well-known/..x/x../...", "/.well-known/..x/x../..."],
  ["/a;v=1", "/a;v=1"],
  ["/*", "/*"],
  ["http://shop:80/a?b", "/a?b"],
  ["http://shop?b", "/?b"],
  ["http://shop", "/"],
])("%s is handed on as %s", (target, expected) => {
  expect(readTarget(target)).toMatchObject({ ok: true, target: expected });
});

test.each([
  ["*", "bad_request"],
  ["a/b", "bad_request"],
  ["http:///a", "bad_request"],
  ["/a#b", "bad_request"],
  ["/a b", "bad_request"],
  ["/a\x7f", "bad_request"],
  ["/.", "ambiguous_request"],
  ["/..", "ambiguous_request"],
  ["/a/%2e", "ambiguous_request"],
  ["/a/%252e/%2E%2e/", "ambiguous_request"],
  ["/a/.;x", "ambiguous_request"],
  ["/a/", null],
  ["/a//", "ambiguous_request"],
  ["/a%2fb", "ambiguous_request"],
  ["/a%5Cb", "ambiguous_request"],
  ["/a\\b", "ambiguous_request"],
  ["/a%0d%0ab", "ambiguous_request"],
  ["/a%7f", "ambiguous_request"],
  ["/a%", "ambiguous_request"],
  ["/a%c0%ae", "ambiguous_request"],
])("%s: %s", (target, reason) => {
  const result = readTarget(target);
  expect(result.ok ? null : result.reason).toBe(reason);
});

test("what was accepted is accepted again, and the same: there is one form", () => {
  fc.assert(
    fc.property(fc.webPath(), fc.stringMatching(/^[ -~]{0,20}$/), (path, extra) => {
      const once = readTarget(`/${path}${extra}`);
      if (!once.ok) return;
      expect(readTarget(once.target)).toEqual({ ok: true, target: once.target, authority: null });
    }),
  );
});

test("segments are the same before and after decoding, so that all readers count them alike", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\/[a-z%./;0-9A-F]{0,12}$/), (path) => {
      const read = readTarget(path);
      if (!read.ok) return;
      const decoded = decodeURIComponent(read.target).split("/");
      expect(decoded).toHaveLength(read.target.split("/").length);
      expect(decoded.filter((segment) => segment === "." || segment === "..")).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, string[], [string, string][], string]>([
  ["/a?x=1", [], [], "/a?x=1"],
  ["/a?x=1&y=2&x=3", ["x"], [], "/a?y=2"],
  ["/a?x=1", ["x"], [], "/a"],
  ["/a", [], [["x", "1 2&3"]], "/a?x=1%202%263"],
  ["/a?x=1&y=%2F", [], [["x", "2"]], "/a?y=%2F&x=2"],
  ["/a?%78=1&x&a+b=1", ["x", "a b"], [], "/a"],
  ["/a?%zz=1", ["x"], [], "/a?%zz=1"],
])("%s without %j and with %j is %s", (target, remove, set, expected) => {
  expect(editQuery(target, remove, set)).toBe(expected);
});
