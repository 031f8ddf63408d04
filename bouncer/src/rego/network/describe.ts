/** Failures of the network in the words that policies written for OPA look for. */
import { HttpFailure } from "./failure.ts";
import { NoSuchHost } from "./resolve.ts";

const unknownAuthority = "x509: certificate signed by unknown authority";

const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EPIPE: "broken pipe",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "i/o timeout",
  UND_ERR_SOCKET: "EOF",
  HPE_INVALID_CONSTANT: "malformed HTTP response",
  UND_ERR_HEADERS_OVERFLOW: "the header section of the response is too large",
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "x509: certificate is not valid for the name of the server",
};

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** `call` is method and URL: `Get "http://example.com/"`. */
export function toNetworkFailure(error: unknown, call: string): HttpFailure {
  if (error instanceof HttpFailure) {
    return new HttpFailure(error.kind, `${call}: ${error.message}`);
  }
  return new HttpFailure("network", `${call}: ${say(error)}`);
}

/** The connection broke while the body came: OPA counts it as its own failure. */
export function toBodyFailure(error: unknown, call: string): HttpFailure {
  const known = error instanceof HttpFailure ? error.message : sayOfBody(error);
  return new HttpFailure("internal", `${call}: ${known}`);
}

function sayOfBody(error: unknown): string {
  const code = codeOf(error);
  return code === "UND_ERR_SOCKET" || code === "Z_BUF_ERROR" ? "unexpected EOF" : say(error);
}

function say(error: unknown): string {
  if (error instanceof NoSuchHost) return `dial tcp: ${error.message}`;
  const code = codeOf(error);
  if (code === "ENOTFOUND" || code.startsWith("EAI_")) return `dial tcp: ${hostOf(error)}`;
  const sentence = sentences[code];
  const message = error instanceof Error ? error.message : String(error);
  if (sentence === undefined) return message === "other side closed" ? "EOF" : message;
  if (code === "ECONNREFUSED") return `dial tcp${placeOf(error)}: connect: ${sentence}`;
  return sentence.startsWith("x509") ? `tls: failed to verify certificate: ${sentence}` : sentence;
}

function hostOf(error: unknown): string {
  const host = error instanceof Error && "hostname" in error ? String(error.hostname) : "";
  return `lookup ${host}: no such host`;
}

function placeOf(error: unknown): string {
  if (!(error instanceof Error) || !("address" in error) || !("port" in error)) return "";
  const address = String(error.address);
  return ` ${address.includes(":") ? `[${address}]` : address}:${String(error.port)}`;
}
