/** How the bridge says no over HTTP: one shape for every refusal, with its code from the table. */
import type { ServerResponse } from "node:http";
import { errorTable, type ErrorCode } from "./errors.ts";

const refusalHeaders: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  token_missing: { "www-authenticate": 'Bearer realm="bouncer-bridge"' },
  token_refused: { "www-authenticate": 'Bearer realm="bouncer-bridge", error="invalid_token"' },
  identity_forbidden: {
    "www-authenticate": 'Bearer realm="bouncer-bridge", error="insufficient_scope"',
  },
  method_not_allowed: { allow: "GET, HEAD" },
  authenticator_busy: { "retry-after": "1" },
  authenticator_unavailable: { "retry-after": "5" },
  bundles_busy: { "retry-after": "1" },
  closing: { "retry-after": "1" },
};

export function describeRefusal(code: ErrorCode) {
  const { status, about } = errorTable[code];
  const body = `${JSON.stringify({ error: { code, message: about } })}\n`;
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    ...refusalHeaders[code],
  };
  return { status, headers, body };
}

export function refuse(response: ServerResponse, code: ErrorCode): void {
  const { status, headers, body } = describeRefusal(code);
  response.writeHead(status, headers).end(body);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`;
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "cache-control": "no-store",
    })
    .end(body);
}
