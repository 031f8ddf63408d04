/**
 * What must not get into audit records: credentials and bodies. A masked value is `***`. Which
 * members of a document these are, and what is shown of a request target. Pure.
 */

import type { Erasures } from "./erase.ts";

export const mask = "***";

const secretHeaders = [
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-amz-security-token",
  "x-api-key",
  "x-auth-token",
  "x-csrf-token",
  "x-xsrf-token",
];

const secretParameters: ReadonlySet<string> = new Set([
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
export const secretKeys: ReadonlySet<string> = new Set([
  ...secretHeaders,
  ...secretParameters,
  "body",
  "parsed_body",
  "rawbody",
]);

/** Texts with a query string in them; Envoy's input has the target among the headers, too. */
export const targetKeys: ReadonlySet<string> = new Set(["path", ":path", "query"]);

export type Parameters = Erasures["parameters"];

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

/** In every target with a secret parameter; in others, too. `u`: as `toLowerCase`, all of Unicode. */
const suspicious = new RegExp(`[%+]|${[...secretParameters].join("|")}`, "iu");

/** `/a?token=x&b=1` becomes `/a?token=***&b=1`; `extra`: more parameters that are not shown. */
export function maskTarget(target: string, extra: Parameters = noParameters): string {
  if (extra === "all") return target.replace(/\?[^]+$/, `?${mask}`);
  if (!target.includes("=") || (extra.size === 0 && !suspicious.test(target))) return target;
  return target.replaceAll(/([?&]|^)([^=&?#]+)=([^&#]*)/g, (pair, lead: string, name: string) =>
    isSecret(name, extra) ? `${lead}${name}=${mask}` : pair,
  );
}

export type MaskTarget = (target: string) => string;

/** A record shows one target several times: it is masked once. */
export function createTargetMask(extra: Parameters = noParameters): MaskTarget {
  let last = "";
  let shown = "";
  return (target) => {
    if (target !== last) {
      shown = maskTarget(target, extra);
      last = target;
    }
    return shown;
  };
}
