/**
 * What must not get into audit records: credentials and bodies. A masked value is `***`, and its
 * JSON pointer is listed, as OPA's decision logs do. Pure: answers with copies.
 */

const mask = "***";

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

/** Keys whose whole value goes, wherever they are below the input. */
const bodies = new Set(["parsed_body", "body", "raw_body"]);

/** Texts with a query string in them. */
const targets = new Set(["path", "query"]);

export interface Masked {
  readonly value: unknown;
  /** JSON pointers (RFC 6901) below `root`. */
  readonly pointers: readonly string[];
}

/** `/a?token=x&b=1` becomes `/a?token=***&b=1`. */
export function maskTarget(target: string): string {
  return target.replaceAll(/([?&]|^)([^=&?#]+)=([^&#]*)/g, (pair, lead: string, name: string) =>
    secretParameters.has(name.toLowerCase()) ? `${lead}${name}=${mask}` : pair,
  );
}

function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Masks a document of any shape below the pointer `root`. */
export function maskDocument(document: unknown, root: string): Masked {
  const pointers: string[] = [];
  const visit = (value: unknown, key: string, pointer: string): unknown => {
    if (isSecret(key, value)) {
      pointers.push(pointer);
      return mask;
    }
    if (typeof value === "string" && targets.has(key)) {
      const shown = maskTarget(value);
      if (shown !== value) pointers.push(pointer);
      return shown;
    }
    if (Array.isArray(value)) {
      return value.map((item: unknown, i) => visit(item, "", `${pointer}/${i}`));
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]): [string, unknown] => [
        name,
        visit(item, name, `${pointer}/${escapePointer(name)}`),
      ]),
    );
  };
  const value = visit(document, "", root);
  return { value, pointers };
}

function isSecret(key: string, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  const name = key.toLowerCase();
  return bodies.has(name) || secretHeaders.has(name) || secretParameters.has(name);
}
