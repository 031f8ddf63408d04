import { afterAll, beforeAll, expect, test } from "vitest";
import type { Decision, Header, Verdict } from "../../../src/policy/decision.ts";
import { plainAllow } from "../../../src/policy/verdict.ts";
import { decideNow, requestOf } from "../policy/setting.ts";
import { compareWithOpa, type Running, start } from "./running.ts";

/** Decisions by the last segment of `/result/NAME`, in what Rego has and JSON has not, too. */
const results = `package envoy.authz
import rego.v1

allow := made[input.parsed_path[1]] if input.parsed_path[0] == "result"

made["true"] := true
made["false"] := false
made["text"] := "true"
made["set"] := {true}
made["no-allowed"] := {"headers": {}}
made["allowed-text"] := {"allowed": "true"}
made["allowed-null"] := {"allowed": null}
made["plain"] := {"allowed": true}
made["headers"] := {"allowed": true, "headers": {"x-a": "1", "X-B": ["2", "3"]}}
made["headers-list"] := {"allowed": true, "headers": [{"x-a": "1"}, {"x-a": "2", "x-b": "3"}]}
made["headers-set"] := {"allowed": true, "headers": {"x-a": {"1"}}}
made["headers-number"] := {"allowed": true, "headers": {"x-a": 1}}
made["headers-null"] := {"allowed": true, "headers": null}
made["headers-nested"] := {"allowed": true, "headers": [[{"x-a": "1"}]]}
made["remove"] := {"allowed": true, "request_headers_to_remove": ["X-Secret", "x-b"]}
made["remove-set"] := {"allowed": true, "request_headers_to_remove": {"x-secret"}}
made["remove-text"] := {"allowed": true, "request_headers_to_remove": "x-secret"}
made["response"] := {"allowed": true, "response_headers_to_add": {"x-a": ["1", "2"]}}
made["query"] := {
	"allowed": true,
	"query_parameters_to_remove": ["debug"],
	"query_parameters_to_set": {"tenant": "a", "tag": ["x", "y"]},
}
made["query-list"] := {"allowed": true, "query_parameters_to_set": [{"tenant": "a"}]}
made["query-remove-object"] := {"allowed": true, "query_parameters_to_remove": {"debug": "x"}}
made["denied"] := {
	"allowed": false,
	"http_status": 401,
	"headers": {"WWW-Authenticate": "Bearer"},
	"body": json.marshal({"error": "who are you?"}),
}
made["denied-sum"] := {"allowed": false, "http_status": 400 + 29}
made["denied-text"] := {"allowed": false, "http_status": "401"}
made["denied-ok"] := {"allowed": false, "http_status": 200}
made["denied-unknown"] := {"allowed": false, "http_status": 9999}
made["denied-body"] := {"allowed": false, "body": {"error": 1}}
made["denied-ignores"] := {"allowed": false, "query_parameters_to_set": 1, "request_headers_to_remove": 1}
made["allowed-ignores"] := {"allowed": true, "http_status": "x", "body": 1}
made["metadata"] := {"allowed": true, "dynamic_metadata": {"roles": {"a"}, "count": 9007199254740991}}
made["metadata-big"] := {"allowed": true, "dynamic_metadata": {"count": 9007199254740993}}
made["metadata-list"] := {"allowed": true, "dynamic_metadata": ["a"]}
made["metadata-denied"] := {"allowed": false, "dynamic_metadata": {"why": "x"}}
`;

const deny: Extract<Verdict, { kind: "deny" }> = {
  kind: "deny",
  status: 403,
  headers: [],
  body: null,
  reason: "policy",
  detail: null,
};
const refused = { kind: "deny", status: 403, reason: "policy_result" };

const contract: Readonly<Record<string, object>> = {
  true: plainAllow,
  false: deny,
  text: refused,
  set: refused,
  undefined: refused,
  "no-allowed": refused,
  "allowed-text": refused,
  "allowed-null": refused,
  plain: plainAllow,
  headers: {
    ...plainAllow,
    requestHeaders: [
      ["X-B", "2"],
      ["X-B", "3"],
      ["x-a", "1"],
    ],
  },
  "headers-list": {
    ...plainAllow,
    requestHeaders: [
      ["x-a", "1"],
      ["x-a", "2"],
      ["x-b", "3"],
    ],
  },
  "headers-set": { ...plainAllow, requestHeaders: [["x-a", "1"]] },
  "headers-number": refused,
  "headers-null": refused,
  "headers-nested": refused,
  remove: { ...plainAllow, requestHeadersToRemove: ["x-secret", "x-b"] },
  "remove-set": { ...plainAllow, requestHeadersToRemove: ["x-secret"] },
  "remove-text": refused,
  response: {
    ...plainAllow,
    responseHeaders: [
      ["x-a", "1"],
      ["x-a", "2"],
    ],
  },
  query: {
    ...plainAllow,
    queryParametersToRemove: ["debug"],
    queryParametersToSet: [
      ["tag", "x"],
      ["tag", "y"],
      ["tenant", "a"],
    ],
  },
  "query-list": refused,
  "query-remove-object": refused,
  denied: {
    ...deny,
    status: 401,
    headers: [["WWW-Authenticate", "Bearer"]],
    body: '{"error":"who are you?"}',
  },
  "denied-sum": { ...deny, status: 429 },
  "denied-text": refused,
  "denied-ok": refused,
  "denied-unknown": refused,
  "denied-body": refused,
  "denied-ignores": deny,
  "allowed-ignores": plainAllow,
  metadata: plainAllow,
  "metadata-big": plainAllow,
  "metadata-list": refused,
  "metadata-denied": deny,
};

function byName([one]: Header, [other]: Header): number {
  return Number(one > other) - Number(one < other);
}

/** Members of an object have no order in Rego; values of one name keep theirs. */
function sortPairs(verdict: Verdict): Verdict {
  if (verdict.kind === "deny") return verdict;
  return {
    ...verdict,
    requestHeaders: verdict.requestHeaders.toSorted(byName),
    queryParametersToSet: verdict.queryParametersToSet.toSorted(byName),
  };
}

let running: Running;
beforeAll(async () => {
  running = await start(results);
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
});

const decide = (name: string): Decision =>
  decideNow(running.policy, requestOf({ target: `/result/${name}` }), null);

test.each(Object.entries(contract))("%s", (name, verdict) => {
  expect(sortPairs(decide(name).verdict)).toMatchObject(verdict);
});

test("each is the one that OPA makes", async () => {
  const names = Object.keys(contract);
  const decisions = Object.fromEntries(names.map((name) => [name, decide(name)]));
  // A difference of the table: the result is read with JavaScript's numbers.
  expect(await compareWithOpa(running.rego, decisions)).toEqual(["metadata-big"]);
});

test("what a refusal does not tell the client is in the decision", () => {
  expect(decide("metadata-denied").result).toEqual({
    allowed: false,
    dynamic_metadata: { why: "x" },
  });
});
