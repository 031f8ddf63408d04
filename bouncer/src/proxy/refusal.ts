/**
 * What a client gets instead of the application's answer: status, `x-bouncer-reason`,
 * `x-bouncer-decision-id` and a short body.
 */
import { STATUS_CODES } from "node:http";
import { type RefusalReason, refusalOf } from "../errors.ts";
import type { ResponseHead } from "../http/message.ts";
import type { Header, RequestHead } from "../policy/decision.ts";
import { foldName } from "./header-kind.ts";
import { buildRefusalHeaders, valuesOf } from "./headers.ts";

export interface Refusal {
  readonly reason: RefusalReason;
  /** For the log and the audit record; the client does not get it. */
  readonly detail: string | null;
  readonly status: number;
  /** What the policy wants the client to get. */
  readonly headers: readonly Header[];
  readonly body: string | null;
}

export function createRefusal(reason: RefusalReason, detail: string | null): Refusal {
  return { reason, detail, status: refusalOf(reason).status, headers: [], body: null };
}

export interface RefusalMessage {
  readonly head: ResponseHead;
  readonly body: Buffer;
}

/** `request`: null when none could be read. */
export function buildRefusal(
  refusal: Refusal,
  id: string,
  request: Pick<RequestHead, "rawHeaders"> | null,
): RefusalMessage {
  const told = ["X-Bouncer-Reason", refusal.reason, "X-Bouncer-Decision-Id", id];
  const type = request === null ? "" : (valuesOf(request.rawHeaders, "content-type")[0] ?? "");
  return isGrpc(type) ? buildGrpc(refusal, type, told) : buildPlain(refusal, id, told);
}

function buildPlain(refusal: Refusal, id: string, told: readonly string[]): RefusalMessage {
  const headers = buildRefusalHeaders(refusal.headers);
  const has = (name: string): boolean =>
    headers.some((item, i) => i % 2 === 0 && foldName(item) === name);
  const text = refusal.body ?? JSON.stringify({ reason: refusal.reason, decision_id: id });
  const body = Buffer.from(text);
  if (!has("content-type")) {
    headers.push(
      "Content-Type",
      refusal.body === null ? "application/json" : "text/plain; charset=utf-8",
    );
  }
  if (!has("cache-control")) headers.push("Cache-Control", "no-store");
  headers.push("Content-Length", String(body.length), ...told);
  const { status } = refusal;
  const reason = STATUS_CODES[status] ?? "";
  const head = { status, reason, rawHeaders: headers, bodyLength: body.length };
  return { head, body };
}

function isGrpc(type: string): boolean {
  return /^application\/grpc(?:[+;]|$)/i.test(type);
}

/** Status codes of gRPC; its clients look at nothing else. As Envoy maps those of HTTP. */
const grpcCodes: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  431: 13,
  502: 14,
  503: 14,
  504: 14,
};
const grpcUnknown = 2;

/** An answer of headers alone, in which a client of gRPC finds its status. */
function buildGrpc(refusal: Refusal, type: string, told: readonly string[]): RefusalMessage {
  const message = refusal.body ?? refusal.reason;
  const status = String(grpcCodes[refusal.status] ?? grpcUnknown);
  // The type is the call's, whatever the policy gives to those who read bodies.
  const rawHeaders = buildRefusalHeaders(
    refusal.headers.filter(([name]) => foldName(name) !== "content-type"),
  );
  rawHeaders.push("Content-Type", type, "Grpc-Status", status);
  rawHeaders.push("Grpc-Message", encodeURIComponent(message.toWellFormed()), ...told);
  const head = { status: 200, reason: "OK", rawHeaders, bodyLength: 0 };
  return { head, body: Buffer.alloc(0) };
}
