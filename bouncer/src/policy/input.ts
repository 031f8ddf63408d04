/**
 * From a request to the input document of OPA's Envoy plugin, or to the parts of it that a bundle
 * declares. What is built is all that the policy sees and all that a decision is remembered by. Pure.
 */
import type { ConnectionHead, DenyReason, RequestBody, RequestHead } from "./decision.ts";
import {
  connectionFields,
  containers,
  type Facts,
  type Field,
  type InputContext,
  type InputPlan,
  version,
} from "./fields.ts";
import { findFormProblem, queryOf } from "./target.ts";

export type InputResult =
  | { readonly kind: "input"; readonly input: object }
  | { readonly kind: "refused"; readonly reason: DenyReason; readonly detail: string };

export function buildInput(
  plan: InputPlan,
  request: RequestHead,
  body: RequestBody | null,
  context: InputContext,
): InputResult {
  const problem = plan.readsQuery ? findFormProblem(queryOf(request.target)) : null;
  if (problem !== null) return refuse("ambiguous_request", `the query has ${problem}`);
  const facts: Facts = { request, body, context, headers: joinHeaders(request) };
  if (plan.bodyBytes > 0 && body === null && announcesBody(facts.headers)) {
    // The policy was switched to one that reads bodies after this request had begun.
    return refuse("bad_body", "the body was not read ahead");
  }
  const input = createTree();
  for (const step of plan.steps) {
    const built = attempt(step.build, facts);
    if (!built.ok) return refuse("bad_body", built.detail);
    if (built.value === undefined) makeContainers(input, step.path);
    else place(input, step.path, built.value);
  }
  return { kind: "input", input };
}

/** Of a connection on an opaque port: what there is, and nothing in the place of a request. */
export function buildConnectionInput(plan: InputPlan, connection: ConnectionHead): object {
  const input = createTree();
  for (const { path } of plan.steps) {
    const name = path.join(".");
    const value = name === "version" ? version() : connectionFields[name]?.(connection);
    if (value !== undefined) place(input, path, value);
  }
  return input;
}

function refuse(reason: DenyReason, detail: string): InputResult {
  return { kind: "refused", reason, detail };
}

type Attempt =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly detail: string };

/** Only a body can fail here. */
function attempt(build: Field, facts: Facts): Attempt {
  try {
    return { ok: true, value: build(facts) };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

interface Tree {
  [key: string]: unknown;
}

function makeContainers(tree: Tree, path: readonly string[]): void {
  let at = tree;
  for (const [index, key] of path.slice(0, -1).entries()) {
    if (!containers.has(path.slice(0, index + 1).join("."))) return;
    const next = at[key];
    const inner = isTree(next) ? next : createTree();
    at[key] = inner;
    at = inner;
  }
}

/** Without a prototype: a header may have any name, and `__proto__` is one like others. */
function createTree(): Tree {
  return { __proto__: null };
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null;
}

function place(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    const inner = isTree(next) ? next : createTree();
    at[key] = inner;
    at = inner;
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

/** As Envoy: lower-case names, repeated values joined by a comma, and its four pseudo-headers. */
function joinHeaders(request: RequestHead): ReadonlyMap<string, string> {
  const headers = new Map([
    [":authority", request.host],
    [":method", request.method],
    [":path", request.target],
    [":scheme", request.scheme],
  ]);
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    const value = rawHeaders[at + 1] ?? "";
    const present = headers.get(name);
    // RFC 9110, section 5.3; cookies are joined as in RFC 9113, section 8.2.3.
    const separator = name === "cookie" ? "; " : ",";
    headers.set(name, present === undefined ? value : `${present}${separator}${value}`);
  }
  return headers;
}

/** RFC 9112, section 6.3: a request without these has no body. */
function announcesBody(headers: ReadonlyMap<string, string>): boolean {
  return headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0";
}
