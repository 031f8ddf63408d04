/** Requests and the decisions on them as the policy hands them over: what records are made of. */
import { randomUUID } from "node:crypto";
import type { Decision, RequestHead, Verdict } from "../../../bouncer/src/policy/decision.ts";
import { planInput } from "../../../bouncer/src/policy/fields.ts";
import { buildInput } from "../../../bouncer/src/policy/input.ts";
import { denyWith, plainAllow } from "../../../bouncer/src/policy/verdict.ts";

export interface Decided {
  readonly head: RequestHead;
  readonly decision: Decision;
}

export type Kind = "plain" | "credentials" | "credentials, again" | "refused, again";

interface Row {
  readonly path: (index: number) => string;
  readonly headers: readonly string[];
  readonly verdict: Verdict;
  readonly result: unknown;
  readonly cached: boolean;
}

const common = [
  ["Host", "orders.shop.svc.cluster.local"],
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"],
  ["Accept", "application/json, text/plain, */*"],
  ["Accept-Encoding", "gzip, deflate, br"],
  ["Accept-Language", "en-GB,en;q=0.9"],
  ["Cache-Control", "no-cache"],
  ["X-Request-Id", "5b0f5c37-6c2e-4a0e-9a53-5d9d6c1b2f10"],
  ["X-Tenant", "acme"],
];
const more = [
  ["Origin", "https://shop.example"],
  ["Referer", "https://shop.example/orders"],
];
const secrets = [
  ["Authorization", `Bearer ${"eyJhbGciOiJSUzI1NiJ9.".repeat(20)}`],
  ["Cookie", `session=${"0123456789abcdef".repeat(8)}; theme=dark`],
];
const result = { allowed: true, headers: { "x-user": "alice", "x-tenant": "acme" } };

const credentials: Row = {
  path: (index) => `/api/v1/orders/${index}?page=2&sort=name`,
  headers: [...common, ...secrets].flat(),
  verdict: plainAllow,
  result,
  cached: false,
};

const rows: Readonly<Record<Kind, Row>> = {
  plain: {
    path: (index) => `/api/v1/orders/${index}/items`,
    headers: [...common, ...more].flat(),
    verdict: plainAllow,
    result: true,
    cached: false,
  },
  credentials,
  "credentials, again": { ...credentials, cached: true },
  "refused, again": {
    path: (index) => `/api/v1/orders/${index}/items`,
    headers: [...common, ...more].flat(),
    verdict: denyWith("policy", 403, null),
    result: false,
    cached: true,
  },
};

export const kinds: readonly Kind[] = [
  "plain",
  "credentials",
  "credentials, again",
  "refused, again",
];

const identity = {
  name: "policy.tar.gz",
  revision: "2026-11-21.1",
  sha256: "c".repeat(64),
  serial: 7,
  deltas: 0,
};
const bundles = [identity];

/** Different ones, with the whole input. */
export function buildRequests(kind: Kind, count: number): readonly Decided[] {
  return Array.from({ length: count }, (_request, index) => buildRequest(rows[kind], index));
}

function buildRequest({ path, headers, verdict, ...row }: Row, index: number): Decided {
  const head: RequestHead = {
    method: "GET",
    target: flat(path(index)),
    protocol: "HTTP/1.1",
    scheme: "http",
    host: headers[1] ?? "",
    rawHeaders: headers.map(flat),
    source: { address: "10.244.1.17", port: 40_000 + index },
    destination: { address: "10.244.2.9", port: 3000 },
  };
  const planned = planInput(null);
  if (planned.kind !== "plan") throw new Error("no plan");
  const built = buildInput(planned.plan, head, null, { time: () => "", id: () => "" });
  if (built.kind !== "input") throw new Error("no input");
  const decision: Decision = {
    id: randomUUID(),
    verdict,
    bundle: identity,
    bundles,
    path: "envoy/authz/allow",
    input: JSON.parse(built.text),
    inputText: built.text,
    evaluationNs: row.cached ? 0 : 15_000,
    watched: null,
    remembered: row.cached ? {} : null,
    ...row,
  };
  return { head, decision };
}

/** As texts come out of a read buffer: of their own, not made of others. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
