/**
 * What a client gets instead of the application's answer: status, `x-bouncer-reason`,
 * `x-bouncer-decision-id` and a short body. As a response, or as text for a socket on which no
 * request could be read.
 */
import { STATUS_CODES, type ServerResponse } from "node:http";
import { type RefusalReason, refusalOf } from "../errors.ts";
import type { Header } from "../policy/decision.ts";
import { buildRefusalHeaders, foldName } from "./headers.ts";

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

interface Message {
  readonly headers: readonly string[];
  readonly body: Buffer;
}

function buildMessage(refusal: Refusal, id: string, close: boolean): Message {
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
  headers.push("Content-Length", String(body.length));
  headers.push("X-Bouncer-Reason", refusal.reason, "X-Bouncer-Decision-Id", id);
  if (close) headers.push("Connection", "close");
  return { headers, body };
}

/** Throws when the policy's headers cannot be written; then nothing has been sent. */
export function writeRefusal(
  response: ServerResponse,
  refusal: Refusal,
  id: string,
  close: boolean,
): number {
  const { headers, body } = buildMessage(refusal, id, close);
  response.writeHead(refusal.status, [...headers]);
  response.end(body);
  return body.length;
}

/** The same for a socket whose bytes were not a request. */
export function formatRefusal(refusal: Refusal, id: string): string {
  const { headers, body } = buildMessage(refusal, id, true);
  const lines = [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}`];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n${body.toString()}`;
}
