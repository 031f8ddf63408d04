/** What node:http makes of the head of a request, as the interface wants it, and what it lets pass. */
import type { IncomingMessage } from "node:http";
import type { RejectReason, RequestMessage } from "../../src/http/message.ts";

/** All values of a header; `name` is lower case. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}

function tokensOf(rawHeaders: readonly string[], name: string): string[] {
  return valuesOf(rawHeaders, name)
    .join(",")
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
}

/** Headers of which a second line makes one reader see something else than another. */
const singular = ["host", "content-length", "content-type", "authorization", "transfer-encoding"];

export interface Fault {
  readonly reason: RejectReason;
  readonly detail: string;
}

/** RFC 9112, 6.1 and 6.3: node's parser has refused most of this already. */
export function findFault(message: IncomingMessage, maxHeaders: number): Fault | null {
  const { httpVersion, rawHeaders } = message;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    return { reason: "bad_request", detail: "HTTP version is not 1.0 or 1.1" };
  }
  if (rawHeaders.length > 2 * maxHeaders) {
    return { reason: "headers_too_large", detail: `more than ${maxHeaders} headers` };
  }
  const repeated = singular.find((name) => valuesOf(rawHeaders, name).length > 1);
  if (repeated !== undefined) {
    return { reason: "ambiguous_request", detail: `${repeated} is there more than once` };
  }
  const [expect] = valuesOf(rawHeaders, "expect");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return { reason: "bad_request", detail: "Expect is not 100-continue" };
  }
  const problem = findLengthProblem(httpVersion, rawHeaders);
  return problem === null ? null : { reason: "ambiguous_request", detail: problem };
}

function findLengthProblem(version: string, rawHeaders: readonly string[]): string | null {
  const [encoding] = valuesOf(rawHeaders, "transfer-encoding");
  const [length] = valuesOf(rawHeaders, "content-length");
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return "Content-Length is not a number";
  if (encoding === undefined) return null;
  if (length !== undefined) return "Transfer-Encoding and Content-Length are both there";
  if (version === "1.0") return "Transfer-Encoding in HTTP/1.0";
  return encoding.toLowerCase() === "chunked" ? null : "Transfer-Encoding is not chunked";
}

export function describeRequest(message: IncomingMessage): RequestMessage {
  const { rawHeaders, method = "", url = "" } = message;
  const version = message.httpVersion === "1.0" ? "1.0" : "1.1";
  const [length = "0"] = valuesOf(rawHeaders, "content-length");
  const isChunked = valuesOf(rawHeaders, "transfer-encoding").length > 0;
  const bodyLength = isChunked ? null : Number(length);
  const connection = tokensOf(rawHeaders, "connection").map((token) => token.toLowerCase());
  const isUpgrade = version === "1.1" && connection.includes("upgrade");
  return {
    method,
    target: url,
    version,
    rawHeaders,
    bodyLength,
    expectsContinue:
      version === "1.1" && bodyLength !== 0 && valuesOf(rawHeaders, "expect").length > 0,
    upgrade: isUpgrade ? tokensOf(rawHeaders, "upgrade") : [],
  };
}
