import { expect, test } from "vitest";
import { parseMailbox } from "./mailbox.ts";

test.each([
  ["a.b@c.d", "a.b c.d"],
  ['"a b\\""@c', 'a b" c'],
  ["a\\@b@c", "a@b c"],
  [".a@b", null],
  ["a..b@c", null],
  ["a@b..c", null],
  ["a", null],
])("the mailbox %j is %j", (text, expected) => {
  const mailbox = parseMailbox(text);
  expect(mailbox === null ? null : `${mailbox.local} ${mailbox.domain}`).toBe(expected);
});
