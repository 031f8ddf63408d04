/**
 * What must not get into audit records: credentials and bodies. A masked value is `***`, and its
 * JSON pointer is listed, as OPA's decision logs do. Pure: answers with copies.
 */

import { type Erasures, formatPointer } from "./erase.ts";

export const mask = "***";

const secretHeaders = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-amz-security-token",
  "x-api-key",
  "x-auth-token",
  "x-csrf-token",
  "x-xsrf-token",
]);

const secretParameters = new Set([
  "access_token",
  "api_key",
  "apikey",
  "client_secret",
  "code",
  "id_token",
  "password",
  "refresh_token",
  "sig",
  "signature",
  "token",
  "x-amz-security-token",
  "x-amz-signature",
]);

/** Keys whose whole value goes, wherever they are in a document; in lower case. */
const secretKeys = new Set([
  ...secretHeaders,
  ...secretParameters,
  "body",
  "parsed_body",
  "rawbody",
]);

/** Texts with a query string in them; Envoy's input has the target among the headers, too. */
const targets = new Set(["path", ":path", "query"]);

export interface Masked {
  readonly value: unknown;
  /** JSON pointers (RFC 6901) below `root`. */
  readonly pointers: readonly string[];
}

type Parameters = Erasures["parameters"];

/** As whoever reads the query will read it: `%74oken` is `token`. */
function decodeName(name: string): string {
  if (!/[%+]/.test(name)) return name;
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}

function isSecret(name: string, extra: Parameters): boolean {
  const decoded = decodeName(name);
  return secretParameters.has(decoded.toLowerCase()) || (extra !== "all" && extra.has(decoded));
}

const noParameters: Parameters = new Set();

/** `/a?token=x&b=1` becomes `/a?token=***&b=1`; `extra`: more parameters that are not shown. */
export function maskTarget(target: string, extra: Parameters = noParameters): string {
  if (extra === "all") return target.replace(/\?[^]+$/, `?${mask}`);
  if (!target.includes("=")) return target;
  return target.replaceAll(/([?&]|^)([^=&?#]+)=([^&#]*)/g, (pair, lead: string, name: string) =>
    isSecret(name, extra) ? `${lead}${name}=${mask}` : pair,
  );
}

/** Masks a document of any shape below the pointer `root`. On every request's path: no waste. */
export function maskDocument(
  document: unknown,
  root: string,
  extra: Parameters = noParameters,
): Masked {
  const pointers: string[] = [];
  const trail: string[] = [];
  const visitMember = (key: string, value: unknown): unknown => {
    trail.push(key);
    const shown = secretKeys.has(key.toLowerCase()) ? hide(value) : visit(key, value);
    trail.pop();
    return shown;
  };
  const hide = (value: unknown): unknown => {
    if (value === null || value === undefined) return value;
    pointers.push(root + formatPointer(trail));
    return mask;
  };
  const visit = (key: string, value: unknown): unknown => {
    if (typeof value === "string") return targets.has(key) ? visitTarget(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      return value.map((item: unknown, i) => visitMember(String(i), item));
    }
    const shown: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(value)) shown[name] = visitMember(name, item);
    return shown;
  };
  const visitTarget = (target: string): string => {
    const shown = maskTarget(target, extra);
    if (shown !== target) pointers.push(root + formatPointer(trail));
    return shown;
  };
  return { value: visit("", document), pointers };
}
