/** `providers.aws.sign_req`: requests to AWS, signed by Signature Version 4. */
import { createHash, createHmac } from "node:crypto";
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import { printGoJson } from "../crypto/go-json.ts";
import { escapedPath, type GoUrl, parseUrl } from "../crypto/go-url.ts";
import { requestFields } from "../network/request.ts";
import { toInt64 } from "../text/int64.ts";
import { fromByteString, toByteString } from "../text/utf8.ts";
import { compareStrings, RegoObject, type Value } from "../value.ts";

interface Credentials {
  readonly service: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Empty for credentials that last. */
  readonly sessionToken: string;
  readonly signsPayload: boolean;
}

function readText(object: RegoObject, name: string): string {
  const value = object.get(name);
  if (typeof value !== "string") throw new BuiltinError(`${name} must be a string`);
  return value;
}

/** Empty for what is no string, as OPA takes it. */
function orEmpty(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function readCredentials(config: RegoObject): Credentials {
  const isUnsigned = config.get("disable_payload_signing") ?? false;
  if (typeof isUnsigned !== "boolean") {
    throw new BuiltinError("disable_payload_signing must be a boolean");
  }
  return {
    service: readText(config, "aws_service"),
    region: readText(config, "aws_region"),
    accessKey: readText(config, "aws_access_key"),
    secretKey: readText(config, "aws_secret_access_key"),
    sessionToken: orEmpty(config.get("aws_session_token")),
    signsPayload: !isUnsigned,
  };
}

interface Request {
  readonly method: string;
  readonly url: GoUrl;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function readRequest(request: RegoObject): Request {
  // As in OPA, what may be there is what may be in a request for `http.send`.
  for (const [name] of request) {
    if (!requestFields.has(name)) throw new BuiltinError("invalid request parameter");
  }
  const headers = request.get("headers") ?? new RegoObject();
  if (!(headers instanceof RegoObject)) throw new BuiltinError("headers must be an object");
  return {
    method: readText(request, "method"),
    url: parseUrl(toByteString(readText(request, "url"))),
    headers: new Map([...headers].map(([name, value]) => [orEmpty(name), orEmpty(value)])),
    body: readBody(request),
  };
}

function readBody(request: RegoObject): string {
  const [raw, body] = [request.get("raw_body"), request.get("body")];
  if (raw !== undefined) return orEmpty(raw);
  return body === undefined ? "" : printGoJson(body);
}

/** Proxies on the way change these. */
const unsigned = ["authorization", "user-agent", "x-amzn-trace-id"];

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function hmac(key: string | Buffer, message: string): Buffer {
  const secret = typeof key === "string" ? Buffer.from(key, "utf8") : key;
  return createHmac("sha256", secret).update(message, "utf8").digest();
}

interface Signature {
  readonly authorization: string;
  /** Headers that the request needs beside it. */
  readonly added: ReadonlyMap<string, string>;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function sign(request: Request, credentials: Credentials, stamp: string): Signature {
  const { service, region, accessKey, secretKey } = credentials;
  const payload = credentials.signsPayload ? sha256(request.body) : "UNSIGNED-PAYLOAD";
  const added = buildHeaders(request, credentials, { stamp, payload });
  const signed = collectSigned(request, added);
  const names = signed.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    fromByteString(escapedPath(request.url)),
    fromByteString(request.url.rawQuery),
    ...signed.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    payload,
  ].join("\n");
  const date = stamp.slice(0, 8);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secretKey}`, date));
  const signature = hmac(key, text).toString("hex");
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope},SignedHeaders=${names},Signature=${signature}`,
    added,
  };
}

interface Facts {
  readonly stamp: string;
  readonly payload: string;
}

function buildHeaders(
  { url }: Request,
  { service, sessionToken }: Credentials,
  { stamp, payload }: Facts,
): ReadonlyMap<string, string> {
  const headers = new Map([
    ["host", fromByteString(url.host)],
    ["x-amz-date", stamp],
  ]);
  if (service === "s3" || service === "glacier") headers.set("x-amz-content-sha256", payload);
  if (sessionToken !== "") headers.set("x-amz-security-token", sessionToken);
  return headers;
}

function collectSigned(
  request: Request,
  added: ReadonlyMap<string, string>,
): readonly (readonly [name: string, value: string])[] {
  const headers = new Map(added);
  for (const [name, value] of request.headers) {
    const lower = toLower(name);
    if (!unsigned.includes(lower)) headers.set(lower, value);
  }
  return [...headers].toSorted(([one], [other]) => compareStrings(one, other));
}

/** Letter by letter, as Go does it: JavaScript looks at the whole word, and makes two of one letter. */
function toLower(name: string): string {
  return Array.from(name, (letter) => (letter === "\u0130" ? "i" : letter.toLowerCase())).join("");
}

/** `20260301T123456Z` */
function printStamp(ns: bigint): string {
  const seconds =
    (ns - (((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString();
  return `${text.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

function readTime(operands: Operands): bigint {
  const ns = toInt64(operands.number(2));
  if (ns === null) throw new BuiltinError("time_ns must be an integer of 64 bits");
  return ns;
}

export const builtins: Builtins = {
  "providers.aws.sign_req": (operands) => {
    const [request, config] = [operands.object(0), operands.object(1)];
    const credentials = readCredentials(config);
    const parsed = readRequest(request);
    const { authorization, added } = sign(parsed, credentials, printStamp(readTime(operands)));
    const headers = new RegoObject([
      ...parsed.headers,
      ["Authorization", authorization] as const,
      ...added,
    ]);
    return new RegoObject([...request, ["headers", headers] as const]);
  },
};
