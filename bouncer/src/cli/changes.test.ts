import { expect, test } from "vitest";
import { denyWith, plainAllow } from "../policy/verdict.ts";
import { createChanges } from "./changes.ts";
import { readRecord } from "./recorded.ts";

const allow = { verdict: plainAllow };
const deny = { verdict: denyWith("policy", 403, null) };

function recordOf(fields: object) {
  const whole = {
    type: "openpolicyagent.org/decision_logs",
    decision_id: "d1",
    input: { parsed_path: [] },
    result: true,
    verdict: "allow",
    request: { method: "GET", target: "/orders/7?full=1" },
    ...fields,
  };
  return readRecord(JSON.stringify(whole));
}

test.each([
  ["a decision", recordOf({}), { kind: "decision", verdict: "allow", isPartial: false }],
  ["a refusal", recordOf({ verdict: "deny", result: false }), { verdict: "deny" }],
  ["one of a masked input", recordOf({ masked: ["/input/attributes/x"] }), { isPartial: true }],
  ["one of a masked result", recordOf({ masked: ["/result/headers"] }), { isPartial: false }],
  ["one of an erased input", recordOf({ erased: ["/input/parsed_path"] }), { isPartial: true }],
  ["one that no policy made", recordOf({ verdict: "none" }), { kind: "undecided" }],
  ["one that failed", recordOf({ verdict: "deny", result: undefined }), { kind: "undecided" }],
  ["one without its input", recordOf({ input: undefined }), { kind: "undecided" }],
  ["an outcome", recordOf({ type: "bouncer.dev/outcome" }), { kind: "other" }],
  ["a line of the log", readRecord('{"level":30,"msg":"serving"}'), { kind: "other" }],
  ["no JSON", readRecord("listening"), { kind: "other" }],
])("%s", (_name, record, expected) => {
  expect(record).toMatchObject(expected);
});

const at = (target: string) => ({ request: { method: "GET", target } });

test("changes are grouped by what was asked, the most frequent first", () => {
  const changes = createChanges();
  const add = (fields: object, decision: typeof allow | typeof deny): void => {
    const record = recordOf(fields);
    if (record.kind === "decision") changes.add(record, decision);
  };
  add({ decision_id: "same" }, allow);
  add({ decision_id: "first", ...at("/orders/7") }, deny);
  add({ ...at("/orders/8?x=1"), masked: ["/input/parsed_path"] }, deny);
  add({ decision_id: "open", verdict: "deny", ...at("/admin") }, allow);
  add({ decision_id: "port", request: undefined }, deny);
  changes.pass("undecided");
  changes.pass("other");
  expect(changes.summary()).toMatchObject({ decisions: 5, changed: 4, partial: 1 });
  expect(changes.render()).toMatchInlineSnapshot(`
    "REQUEST        RECORDED  WOULD BE       COUNT  FOR INSTANCE
    GET /orders/*  allow     deny (policy)  2*     first
    GET /admin     deny      allow          1      open
    (connection)   allow     deny (policy)  1      port

    4 of 5 decisions would change
    * 1 were asked with less than the bouncer had: parts of the log are masked
    1 records had no decision of a policy
    1 lines are no decisions
    "
  `);
});

test("nothing that would change is no table", () => {
  expect(createChanges().render()).toBe("0 of 0 decisions would change\n");
});
