/**
 * The operand of `http.send`: which fields there are and what they may be, as in OPA. Pure, so that
 * a wrong one is found without the network.
 */
import { printJson } from "../term.ts";
import { RegoNumber } from "../number.ts";
import { RegoObject, RegoSet, typeOf, type Value } from "../value.ts";
import { type CacheWish, parseCacheWish } from "./cache-wish.ts";
import { parseTimeout } from "./duration.ts";
import { HttpFailure } from "./failure.ts";
import { checkIgnoredHeaders } from "./ignored-headers.ts";
import { type HttpUrl, parseUrl } from "./url.ts";

export const tlsTexts = [
  "tls_ca_cert",
  "tls_ca_cert_file",
  "tls_ca_cert_env_variable",
  "tls_client_cert",
  "tls_client_cert_file",
  "tls_client_cert_env_variable",
  "tls_client_key",
  "tls_client_key_file",
  "tls_client_key_env_variable",
  "tls_server_name",
] as const;
type TlsText = (typeof tlsTexts)[number];

const textFields: readonly string[] = ["method", "url", "raw_body", ...tlsTexts];

export const requestFields: ReadonlySet<Value> = new Set([
  ...textFields,
  "body",
  "enable_redirect",
  "force_json_decode",
  "force_yaml_decode",
  "headers",
  "tls_use_system_certs",
  "tls_insecure_skip_verify",
  "timeout",
  "cache",
  "force_cache",
  "force_cache_duration_seconds",
  "raise_error",
  "caching_mode",
  "max_retry_attempts",
  "cache_ignored_headers",
]);

export interface TlsWish extends Readonly<Partial<Record<TlsText, string>>> {
  readonly useSystem: boolean;
  readonly skipVerify: boolean;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: HttpUrl;
  /** Names as HTTP writes them, each once: `Content-Type`. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | null;
  readonly tls: TlsWish;
  /** Nanoseconds for one attempt; not positive: no limit of its own. */
  readonly timeout: bigint;
  readonly followsRedirects: boolean;
  readonly retries: number;
  readonly decodes: "json" | "yaml" | null;
  /** null: it is asked for each time. */
  readonly cache: CacheWish | null;
}

const defaultTimeout = 5_000_000_000n;

const internal = (message: string): HttpFailure => new HttpFailure("internal", message);

/** Whether failures are to be undefined; throws when that itself cannot be told. */
export function raisesErrors(request: RegoObject): boolean {
  return readBoolean(request, "raise_error", true);
}

/** Throws an HttpFailure. */
export function parseRequest(request: RegoObject): HttpRequest {
  const unknown = [...request].filter(([name]) => !requestFields.has(name)).map(([name]) => name);
  if (unknown.length > 0) {
    throw internal(`unknown fields in the request: ${unknown.map(printJson).join(", ")}`);
  }
  const missing = ["method", "url"].filter((name) => !request.has(name));
  if (missing.length > 0) throw internal(`the request lacks ${missing.join(" and ")}`);
  for (const name of textFields) readText(request, name);
  checkIgnoredHeaders(request);
  const isJson = readBoolean(request, "force_json_decode", false);
  const isYaml = readBoolean(request, "force_yaml_decode", false);
  const method = parseMethod(readText(request, "method") ?? "");
  return {
    method,
    body: readBody(request),
    headers: readHeaders(request, method),
    tls: readTls(request),
    timeout: readTimeout(request.get("timeout")),
    followsRedirects: readFlag(request, "enable_redirect"),
    retries: readCount(request, "max_retry_attempts"),
    decodes: isJson ? "json" : isYaml ? "yaml" : null,
    cache: parseCacheWish(request),
    url: parseUrl(readText(request, "url") ?? "", nameOperation(method)),
  };
}

/** `Get`: how messages name the method. */
export function nameOperation(method: string): string {
  return method === "" ? "Get" : method.slice(0, 1) + method.slice(1).toLowerCase();
}

function parseMethod(text: string): string {
  const method = text.toUpperCase();
  if (!/^[!#$%&'*+\-.^_`|~\w]*$/.test(method)) throw internal(`invalid method ${quote(method)}`);
  return method === "" ? "GET" : method;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** Quotes around a text are taken off: some write them there, and OPA does not mind. */
function readText(request: RegoObject, name: string): string | null {
  const value = request.get(name);
  if (value === undefined) return null;
  if (typeof value !== "string") throw internal(`${quote(name)} must be a string`);
  return value.replace(/^"+/, "").replace(/(?<!")"+$/, "");
}

/** Where OPA asks for a boolean and for nothing else. */
function readBoolean(request: RegoObject, name: string, otherwise: boolean): boolean {
  const value = request.get(name) ?? otherwise;
  if (request.get(name) === null || typeof value !== "boolean") {
    throw internal(`invalid value for ${quote(name)}: it must be true or false`);
  }
  return value;
}

/** Where OPA reads the text of the value: 0 and 1 are booleans, too. */
function readFlag(request: RegoObject, name: string): boolean {
  const value = request.get(name);
  if (value === undefined || value === false) return false;
  if (value === true) return true;
  const text = value instanceof RegoNumber ? value.text : "";
  if (text === "1" || text === "0") return text === "1";
  throw internal(`invalid value for ${quote(name)}: it must be true or false`);
}

function readCount(request: RegoObject, name: string): number {
  const value = request.get(name);
  if (value === undefined) return 0;
  if (value instanceof RegoNumber && /^\d{1,15}$/.test(value.text)) return Number(value.text);
  throw internal(`invalid value ${printJson(value)} for ${quote(name)}`);
}

function readTimeout(value: Value | undefined): bigint {
  if (value === undefined) return defaultTimeout;
  const text = value instanceof RegoNumber ? value.text : value;
  if (typeof text !== "string") {
    throw internal(`"timeout" must be a string or a number but got ${typeOf(value)}`);
  }
  const timeout = value instanceof RegoNumber && !/^-?\d+$/.test(text) ? null : parseTimeout(text);
  if (timeout === null) throw internal(`invalid value ${printJson(value)} for "timeout"`);
  return timeout;
}

/** As Go writes JSON: with what HTML would understand escaped. */
function readBody(request: RegoObject): string | null {
  const raw = readText(request, "raw_body");
  const body = request.get("body");
  if (raw !== null || body === undefined) return raw;
  return printJson(body).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function readHeaders(request: RegoObject, method: string): ReadonlyMap<string, string> {
  const value = request.get("headers");
  if (value === undefined) return new Map();
  if (!(value instanceof RegoObject)) throw internal("headers must be an object");
  const headers = new Map<string, string>();
  for (const [key, text] of value.sorted()) {
    const name = typeof key === "string" ? key : printJson(key);
    if (typeof text !== "string") {
      const found = text instanceof RegoSet ? "set" : printJson(text);
      throw internal(`header ${quote(name)} must be a string but is ${found}`);
    }
    checkHeader(name, text, `${nameOperation(method)} ${readText(request, "url") ?? ""}`);
    headers.set(toCanonical(name), text);
  }
  return headers;
}

function checkHeader(name: string, text: string, call: string): void {
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) {
    throw new HttpFailure("network", `${call}: invalid header field name ${quote(name)}`);
  }
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\0-\u0008\u000A-\u001F\u007F]/.test(text)) {
    throw new HttpFailure("network", `${call}: invalid header field value for ${quote(name)}`);
  }
}

/** `content-type`, `CONTENT-TYPE`: `Content-Type`. */
export function toCanonical(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

function readTls(request: RegoObject): TlsWish {
  const texts: Partial<Record<TlsText, string>> = {};
  for (const name of tlsTexts) {
    const text = readText(request, name);
    if (text !== null && text !== "") texts[name] = text;
  }
  return {
    ...texts,
    useSystem: readFlag(request, "tls_use_system_certs"),
    skipVerify: readFlag(request, "tls_insecure_skip_verify"),
  };
}
