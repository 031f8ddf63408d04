/**
 * What a decision means, by the result contract of OPA's Envoy plugin: a boolean, or an object with
 * `allowed`. Whatever is not understood in full refuses: a header that was meant to be removed and
 * is not may be all that stood between a caller and the application. Pure.
 */
import type { Header, Verdict } from "./decision.ts";

type Allow = Extract<Verdict, { kind: "allow" }>;
type Deny = Extract<Verdict, { kind: "deny" }>;

/** Allowed, and nothing changed. */
export const plainAllow: Allow = {
  kind: "allow",
  requestHeaders: [],
  requestHeadersToRemove: [],
  responseHeaders: [],
  queryParametersToRemove: [],
  queryParametersToSet: [],
};

/** A field of the decision that is not what it must be. Never leaves this file. */
class NotUnderstood extends Error {}

export function denyWith(reason: Deny["reason"], status: number, detail: string | null): Deny {
  return { kind: "deny", status, headers: [], body: null, reason, detail };
}

/** Never throws. `result` is undefined when the decision is. */
export function decideVerdict(result: unknown): Verdict {
  if (result === true) return plainAllow;
  if (result === false) return denyWith("policy", 403, null);
  try {
    if (result === undefined) throw new NotUnderstood("the decision is undefined");
    if (!isRecord(result)) throw new NotUnderstood(`the decision is ${typeName(result)}`);
    const allowed = take(result, "allowed");
    takeStorage(result);
    checkMetadata(result);
    if (allowed === true) return readAllow(result);
    if (allowed === false) return readDeny(result);
    throw new NotUnderstood(`"allowed" is ${typeName(allowed)}`);
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return denyWith("policy_result", 403, error.message);
  }
}

/** For how long a decision may be given again. */
export type Storage =
  /** As long as the configuration says, if it depends on nothing but the input and the data. */
  | { readonly kind: "default" }
  | { readonly kind: "none" }
  /** What the policy says itself. */
  | { readonly kind: "ttl"; readonly ttlMs: number };

const byDefault: Storage = { kind: "default" };
const maxTtlSeconds = 86_400;

/** Of a decision that was understood; every other one is not to be kept. */
export function readStorage(result: unknown): Storage {
  if (typeof result === "boolean") return byDefault;
  try {
    return isRecord(result) ? takeStorage(result) : { kind: "none" };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { kind: "none" };
  }
}

function takeStorage(result: Fields): Storage {
  const [ttl, noStore] = [take(result, "ttl"), take(result, "no_store")];
  if (noStore !== undefined && typeof noStore !== "boolean") {
    throw new NotUnderstood(`"no_store" is ${typeName(noStore)}`);
  }
  if (ttl === undefined) return noStore === true ? { kind: "none" } : byDefault;
  if (typeof ttl !== "number" || ttl < 0 || ttl > maxTtlSeconds) {
    throw new NotUnderstood(`"ttl" is ${show(ttl)}, accepted is 0 to ${maxTtlSeconds} seconds`);
  }
  return noStore === true || ttl === 0 ? { kind: "none" } : { kind: "ttl", ttlMs: ttl * 1000 };
}

/** What the policy tells the audit log and nobody else: it has to be an object, as in the plugin. */
function checkMetadata(result: Fields): void {
  const metadata = take(result, "dynamic_metadata");
  if (metadata !== undefined && !isRecord(metadata)) {
    throw new NotUnderstood(`"dynamic_metadata" is ${typeName(metadata)}`);
  }
}

function readAllow(result: Fields): Allow {
  const removed = readStrings(result, "request_headers_to_remove");
  for (const name of removed) checkName(name, "request_headers_to_remove");
  return {
    kind: "allow",
    requestHeaders: readHeaders(result, "headers"),
    requestHeadersToRemove: removed.map((name) => name.toLowerCase()),
    responseHeaders: readHeaders(result, "response_headers_to_add"),
    queryParametersToRemove: readStrings(result, "query_parameters_to_remove"),
    queryParametersToSet: readPairs(
      take(result, "query_parameters_to_set"),
      "query_parameters_to_set",
    ),
  };
}

function readDeny(result: Fields): Deny {
  const body = take(result, "body");
  if (body !== undefined && typeof body !== "string") {
    throw new NotUnderstood(`"body" is ${typeName(body)}`);
  }
  return {
    kind: "deny",
    status: readStatus(take(result, "http_status")),
    headers: readHeaders(result, "headers"),
    body: body ?? null,
    reason: "policy",
    detail: null,
  };
}

/**
 * A refusal may redirect (to a login page) but not look like a success: whoever only looks at the
 * status would take it for one. 304 answers a question that a refused client did not ask.
 */
function readStatus(value: unknown): number {
  if (value === undefined) return 403;
  const isRefusal =
    typeof value === "number" && Number.isInteger(value) && value >= 300 && value <= 599;
  if (!isRefusal || value === 304) {
    throw new NotUnderstood(`"http_status" is ${show(value)}, accepted is 300 to 599 but 304`);
  }
  return value;
}

interface Fields {
  readonly [name: string]: unknown;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own members only: a decision has no `allowed` because some prototype has. */
function take(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function typeName(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `of type ${typeof value}`;
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : typeName(value);
}

function readStrings(fields: Fields, name: string): readonly string[] {
  const value = take(fields, name);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new NotUnderstood(`"${name}" is ${typeName(value)}`);
  return value.map((item: unknown) => readString(item, name));
}

function readString(value: unknown, name: string): string {
  if (typeof value !== "string")
    throw new NotUnderstood(`"${name}" holds a value ${typeName(value)}`);
  return value;
}

/** An object, or an array of objects; a value is a string or an array of strings. */
function readHeaders(fields: Fields, name: string): readonly Header[] {
  const value = take(fields, name);
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  const headers = groups.flatMap((group) => readPairs(group, name));
  for (const [header, text] of headers) {
    checkName(header, name);
    checkValue(text, header);
  }
  return headers;
}

function readPairs(value: unknown, name: string): readonly Header[] {
  if (value === undefined) return [];
  if (!isRecord(value)) throw new NotUnderstood(`"${name}" is ${typeName(value)}`);
  return Object.entries(value).flatMap(([key, member]) => {
    const texts: readonly unknown[] = Array.isArray(member) ? member : [member];
    return texts.map((text): Header => [key, readString(text, `${name}.${key}`)]);
  });
}

/** Message framing and routing belong to the bouncer; a policy that set them could smuggle. */
const framing = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** RFC 9110, section 5.6.2. */
function checkName(header: string, field: string): void {
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(header)) {
    throw new NotUnderstood(`"${field}" has the header name ${JSON.stringify(header)}`);
  }
  if (framing.has(header.toLowerCase())) {
    throw new NotUnderstood(`"${field}" changes "${header}", which a policy may not`);
  }
}

/** RFC 9110, section 5.5: visible characters, spaces and tabs, in what Node can write. */
function checkValue(value: string, header: string): void {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw new NotUnderstood(`the value of "${header}" has a character that headers cannot have`);
  }
}
