/**
 * The head of a request, made of the fields of HTTP/2 (RFC 9113, 8.3.1): as version-neutral as the
 * interface wants it, or what is wrong with it. Pure.
 */
import { methods } from "../http1/grammar.ts";
import type { RejectReason, RequestMessage } from "../http/message.ts";
import type { Field } from "./hpack/field.ts";
import { addFields, type Fault, type MessageFields } from "./message-fields.ts";

export type RequestHead =
  | { readonly kind: "head"; readonly request: RequestMessage }
  | { readonly kind: "bad"; readonly reason: RejectReason; readonly detail: string };

function bad(detail: string, reason: RejectReason = "bad_request"): RequestHead {
  return { kind: "bad", reason, detail };
}

class RequestFields implements MessageFields {
  readonly rawHeaders: string[] = [];
  method = "";
  scheme = "";
  path = "";
  authority: string | null = null;
  host: string | null = null;
  contentLength: string | null = null;
  expect = "";
  cookieAt = -1;
  #seen = 0;

  /** Null, or what is wrong with it. */
  setPseudo(name: string, value: string): string | null {
    const bit = bits.get(name);
    if (bit === undefined) return `${name} is not known`;
    if ((this.#seen & bit) !== 0) return `${name} is there more than once`;
    this.#seen |= bit;
    if (bit === 1) this.method = value;
    else if (bit === 2) this.scheme = value;
    else if (bit === 4) this.path = value;
    else if (bit === 8) {
      this.authority = value;
      // The place of Host is first (RFC 9110, 7.2).
      this.rawHeaders.push("host", value);
    }
    return null;
  }

  add({ name, value }: Field): Fault | null {
    switch (name) {
      case "host":
        return this.#addHost(value);
      case "cookie":
        this.#addCookie(value);
        return null;
      case "content-length":
        if (this.contentLength !== null) {
          return { reason: "ambiguous_request", detail: "content-length is there more than once" };
        }
        this.contentLength = value;
        break;
      case "expect":
        this.expect = value;
        break;
    }
    this.rawHeaders.push(name, value);
    return null;
  }

  /** Who reads the one must not see another host than who reads the other (RFC 9113, 8.3.1). */
  #addHost(value: string): Fault | null {
    if (this.host !== null) {
      return { reason: "ambiguous_request", detail: "host is there more than once" };
    }
    this.host = value;
    if (this.authority === null) {
      this.rawHeaders.push("host", value);
    } else if (this.authority.toLowerCase() !== value.toLowerCase()) {
      return { reason: "ambiguous_request", detail: ":authority and host name different hosts" };
    }
    return null;
  }

  /** Crumbs are one header again where there may be no HTTP/2 any more (RFC 9113, 8.2.3). */
  #addCookie(value: string): void {
    if (this.cookieAt === -1) {
      this.cookieAt = this.rawHeaders.length + 1;
      this.rawHeaders.push("cookie", value);
    } else {
      this.rawHeaders[this.cookieAt] = `${this.rawHeaders[this.cookieAt] ?? ""}; ${value}`;
    }
  }
}

const bits: ReadonlyMap<string, number> = new Map([
  [":method", 1],
  [":scheme", 2],
  [":path", 4],
  [":authority", 8],
]);

const isLength = /^\d{1,15}$/;
const notInTarget = /[\0-\x20\x7f]/;

/** `endStream`: there is no body. */
export function readRequestHead(fields: readonly Field[], endStream: boolean): RequestHead {
  if (fields.some(({ name }) => name === ":protocol")) {
    return bad("extended CONNECT is not served");
  }
  const list = new RequestFields();
  const fault = addFields(fields, list);
  if (fault !== null) return bad(fault.detail, fault.reason);
  return buildRequest(list, endStream);
}

function buildRequest(list: RequestFields, endStream: boolean): RequestHead {
  const { method, path } = list;
  if (method === "CONNECT") return bad("CONNECT is not served");
  if (!methods.has(method)) return bad(":method is missing or not one that is served");
  if (list.scheme === "") return bad(":scheme is missing");
  if (!isPath(path, method)) return bad(":path is missing or not a path");
  const length = list.contentLength;
  const problem = lengthProblem(length, endStream);
  if (problem !== null) return bad(problem, "ambiguous_request");
  return {
    kind: "head",
    request: {
      method,
      target: path,
      version: "2",
      rawHeaders: list.rawHeaders,
      bodyLength: bodyLength(length, endStream),
      expectsContinue: !endStream && list.expect.toLowerCase() === "100-continue",
      upgrade: none,
    },
  };
}

function lengthProblem(length: string | null, endStream: boolean): string | null {
  if (length === null) return null;
  if (!isLength.test(length)) return "content-length is not a number";
  const isMissing = endStream && Number(length) > 0;
  return isMissing ? `content-length is ${Number(length)}, but there is no body` : null;
}

function bodyLength(length: string | null, endStream: boolean): number | null {
  if (endStream) return 0;
  return length === null ? null : Number(length);
}

const none: readonly string[] = [];

function isPath(path: string, method: string): boolean {
  if (notInTarget.test(path)) return false;
  return path.startsWith("/") || (path === "*" && method === "OPTIONS");
}
