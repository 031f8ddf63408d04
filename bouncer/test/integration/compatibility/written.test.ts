import { expect, test } from "vitest";
import type { RequestHead } from "../../../src/policy/decision.ts";
import { decideNow, requestOf } from "../policy/setting.ts";
import { compareWithOpa, start } from "./running.ts";

/** As such policies are written: Basic credentials, roles, a body that must agree with the path. */
const shop = `package envoy.authz
import rego.v1
import input.attributes.request.http as http_request

default allow := {"allowed": false}

allow := response if input.parsed_path[0] == "shop"

response := {
	"allowed": true,
	"headers": {"x-user": user, "x-validated": "true"},
	"request_headers_to_remove": ["authorization"],
	"response_headers_to_add": {"x-policy": "shop"},
	"dynamic_metadata": {"user": user},
} if permitted

response := {
	"allowed": false,
	"http_status": 401,
	"headers": {"www-authenticate": "Basic realm=\\"shop\\""},
	"body": "Who are you?",
} if not user

response := {"allowed": false, "http_status": 403, "body": concat(" ", ["not for", user])} if {
	user
	not permitted
}

user := name if {
	[kind, encoded] := split(http_request.headers.authorization, " ")
	lower(kind) == "basic"
	[name, _] := split(base64.decode(encoded), ":")
}

roles := {"alice": {"guest"}, "bob": {"guest", "admin"}}

permitted if {
	http_request.method == "GET"
	glob.match("/shop/*", ["/"], http_request.path)
	"guest" in roles[user]
}

permitted if {
	http_request.method == "POST"
	input.parsed_path == ["shop", "orders", input.parsed_body.customer]
	not input.truncated_body
	"admin" in roles[user]
}

allow if {
	input.parsed_path[0] == "open"
	input.parsed_query.token[_] == "open sesame"
	net.cidr_contains("10.0.0.0/8", input.attributes.source.address.socketAddress.address)
}
`;

const basic = (name: string) => `Basic ${Buffer.from(`${name}:secret`).toString("base64")}`;
const order = (customer: string) => Buffer.from(JSON.stringify({ customer, items: [1] }));
const json = ["Content-Type", "application/json"];

const rows: Readonly<
  Record<string, readonly [request: Partial<RequestHead>, body: Uint8Array | null, object]>
> = {
  "nobody is asked who they are": [
    { target: "/shop/shoes" },
    null,
    { status: 401, headers: [["www-authenticate", 'Basic realm="shop"']], body: "Who are you?" },
  ],
  "a guest reads": [
    { target: "/shop/shoes", rawHeaders: ["Authorization", basic("alice")] },
    null,
    {
      kind: "allow",
      requestHeadersToRemove: ["authorization"],
      responseHeaders: [["x-policy", "shop"]],
    },
  ],
  "a guest may not order": [
    {
      method: "POST",
      target: "/shop/orders/eve",
      rawHeaders: [...json, "authorization", basic("alice")],
    },
    order("eve"),
    { status: 403, body: "not for alice" },
  ],
  "an admin orders for whom the path names": [
    {
      method: "POST",
      target: "/shop/orders/e%20ve",
      rawHeaders: [...json, "authorization", basic("bob")],
    },
    order("e ve"),
    { kind: "allow" },
  ],
  "an admin does not order for another": [
    {
      method: "POST",
      target: "/shop/orders/eve",
      rawHeaders: [...json, "authorization", basic("bob")],
    },
    order("adam"),
    { status: 403 },
  ],
  "a body that is broken is not decided on": [
    {
      method: "POST",
      target: "/shop/orders/eve",
      rawHeaders: [...json, "authorization", basic("bob")],
    },
    Buffer.from('{"customer":"eve"'),
    { status: 400, reason: "bad_body" },
  ],
  "a word in the query, from inside": [
    { target: "/open?token=x&token=open+sesame" },
    null,
    { kind: "allow" },
  ],
  "a word in the query, from outside": [
    { target: "/open?token=open+sesame", source: { address: "192.0.2.1", port: 1 } },
    null,
    { status: 403, reason: "policy" },
  ],
  "a query that is read in two ways": [
    { target: "/open?x;token=open+sesame" },
    null,
    { status: 400, reason: "ambiguous_request" },
  ],
  "another path": [{ target: "/elsewhere" }, null, { status: 403, reason: "policy" }],
};

test("a policy as they are written decides as in OPA", async () => {
  await using running = await start(shop);
  const decisions = Object.fromEntries(
    Object.entries(rows).map(([name, [request, bytes]]) => [
      name,
      decideNow(
        running.policy,
        requestOf(request),
        bytes === null ? null : { bytes, truncated: false },
      ),
    ]),
  );
  for (const [name, [, , verdict]] of Object.entries(rows)) {
    expect({ name, verdict: decisions[name]?.verdict }).toMatchObject({ name, verdict });
  }
  const asked = Object.entries(decisions).filter(([, { input }]) => input !== null);
  expect(asked).toHaveLength(Object.keys(rows).length - 2);
  expect(await compareWithOpa(running.rego, Object.fromEntries(asked))).toEqual([]);
});
