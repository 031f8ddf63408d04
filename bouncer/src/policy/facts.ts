/**
 * One request as the fields of the input are made of it, and what of it more than one of them needs.
 * Pure; the clock and the ids come in.
 */
import type { RequestBody, RequestHead } from "./decision.ts";
import { parseForm, queryOf } from "./target.ts";

/** What a request alone does not say. */
export interface InputContext {
  /** RFC 3339. */
  readonly time: () => string;
  readonly id: () => string;
}

/** Envoy's pseudo-headers. */
const pseudo: Readonly<Record<string, (request: RequestHead) => string>> = {
  ":authority": ({ host }) => host,
  ":method": ({ method }) => method,
  ":path": ({ target }) => target,
  ":scheme": ({ scheme }) => scheme,
};

export class Facts {
  readonly request: RequestHead;
  readonly body: RequestBody | null;
  readonly context: InputContext;
  #query: ReadonlyMap<string, readonly string[]> | null = null;

  constructor(request: RequestHead, body: RequestBody | null, context: InputContext) {
    this.request = request;
    this.body = body;
    this.context = context;
  }

  /** `name` in lower case; values of a repeated header joined. */
  header(name: string): string | undefined {
    const { rawHeaders } = this.request;
    let joined = Object.hasOwn(pseudo, name) ? pseudo[name]?.(this.request) : undefined;
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const raw = rawHeaders[at] ?? "";
      // Each character is one byte: none of them grows or shrinks in lower case.
      if (raw.length !== name.length || raw.toLowerCase() !== name) continue;
      joined = join(name, joined, rawHeaders[at + 1] ?? "");
    }
    return joined;
  }

  /** Names and values of the query. */
  query(): ReadonlyMap<string, readonly string[]> {
    this.#query ??= parseForm(queryOf(this.request.target));
    return this.#query;
  }
}

/** RFC 9110, section 5.3; cookies are joined as in RFC 9113, section 8.2.3. */
function join(name: string, present: string | undefined, value: string): string {
  if (present === undefined) return value;
  return `${present}${name === "cookie" ? "; " : ","}${value}`;
}

/** As Envoy: lower-case names, repeated values joined by a comma, and its four pseudo-headers. */
export function joinHeaders(request: RequestHead): ReadonlyMap<string, string> {
  const headers = new Map(Object.entries(pseudo).map(([name, read]) => [name, read(request)]));
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    headers.set(name, join(name, headers.get(name), rawHeaders[at + 1] ?? ""));
  }
  return headers;
}
