/**
 * The fields of messages that are sent (RFC 9113, 8.2 and 8.3): names in lower case, pseudo-headers
 * first, without what is about one connection. Pure.
 */
import type { OutgoingRequest, RawHeaders } from "../http/message.ts";
import { isConnectionSpecific } from "./field-check.ts";

/** Names come again and again, and mostly in lower case. */
function lowerCase(name: string): string {
  return name.toLowerCase();
}

function pushFields(fields: string[], rawHeaders: RawHeaders, isRequest: boolean): void {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = lowerCase(rawHeaders[i] ?? "");
    const value = rawHeaders[i + 1] ?? "";
    if (isConnectionSpecific(name) || name === "http2-settings") continue;
    if (name === "te" && value.toLowerCase() !== "trailers") continue;
    if (isRequest && (name === "host" || name === "expect")) continue;
    fields.push(name, trim(value));
  }
}

/** White space around a value is not part of it (RFC 9110, 5.5), and not allowed here. */
function trim(value: string): string {
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  const isPadded = first === 0x20 || first === 0x09 || last === 0x20 || last === 0x09;
  return isPadded ? value.replaceAll(/^[ \t]+|[ \t]+$/g, "") : value;
}

function findHost(rawHeaders: RawHeaders): string | null {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name.length === 4 && lowerCase(name) === "host") return rawHeaders[i + 1] ?? "";
  }
  return null;
}

export function requestFields(request: OutgoingRequest): RawHeaders {
  const { method, target, scheme, rawHeaders, expectsContinue } = request;
  const fields = [":method", method, ":scheme", scheme, ":path", target];
  const host = findHost(rawHeaders);
  if (host !== null) fields.push(":authority", trim(host));
  pushFields(fields, rawHeaders, true);
  if (expectsContinue) fields.push("expect", "100-continue");
  return fields;
}

export function responseFields(status: number, rawHeaders: RawHeaders): RawHeaders {
  const fields = [":status", String(status)];
  pushFields(fields, rawHeaders, false);
  return fields;
}

export function trailerFields(trailers: RawHeaders): RawHeaders {
  if (trailers.length === 0) return trailers;
  const fields: string[] = [];
  pushFields(fields, trailers, false);
  return fields;
}
