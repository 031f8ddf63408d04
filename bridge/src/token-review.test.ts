import { expect, test } from "vitest";
import { understandReview } from "./token-review.ts";

const audience = "bouncer-bridge";
const user = { username: "system:serviceaccount:shop:default" };
const pod = { "authentication.kubernetes.io/pod-name": ["cart-1"] };

test.each([
  [
    "bound to a pod",
    { status: { authenticated: true, audiences: [audience], user: { ...user, extra: pod } } },
    { kind: "identity", identity: { subject: user.username, pod: "shop/cart-1" } },
  ],
  [
    "not bound to a pod",
    { status: { authenticated: true, audiences: ["x", audience], user } },
    { kind: "identity", identity: { subject: user.username, pod: null } },
  ],
  [
    "not authenticated",
    { status: { authenticated: false, audiences: [audience], user } },
    { kind: "refusal", code: "token_refused" },
  ],
  [
    "for another audience",
    { status: { authenticated: true, audiences: ["x"], user } },
    { kind: "refusal", code: "token_refused" },
  ],
  [
    "from a server that knows no audiences",
    { status: { authenticated: true, user } },
    { kind: "refusal", code: "token_refused" },
  ],
  [
    "a person",
    { status: { authenticated: true, audiences: [audience], user: { username: "jane" } } },
    { kind: "refusal", code: "identity_forbidden" },
  ],
  [
    "nobody",
    { status: { authenticated: true, audiences: [audience] } },
    { kind: "refusal", code: "identity_forbidden" },
  ],
  ["no status", {}, { kind: "refusal", code: "token_refused" }],
])("review of a token: %s", (_name, status, expected) => {
  expect(understandReview({ spec: { token: "t" }, ...status }, audience)).toEqual(expected);
});
