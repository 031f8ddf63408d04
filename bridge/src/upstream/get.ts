/** One GET: bounded in time and size, a few redirects, credentials only to where they belong. */
import type { Dispatcher } from "undici";
import { BridgeError } from "../errors.ts";
import { describeCause, upstreamError } from "./upstream.ts";

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** The first value of a header, by its name in lower case. */
  header(name: string): string | null;
}

export interface Getter {
  /** @throws BridgeError `upstream_unreachable`, `upstream_invalid` or `bundle_too_large` */
  get(url: URL, options: GetOptions): Promise<Answer>;
  close(): Promise<void>;
}

const maxRedirects = 3;
const timeoutMs = { connect: 5_000, answer: 15_000, whole: 120_000 } as const;

/** Loaded only where bundles come from elsewhere. */
async function load(ca: string | null): Promise<Client> {
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({
    connect: { timeout: timeoutMs.connect, ...(ca === null ? {} : { ca }) },
    connections: 4,
    headersTimeout: timeoutMs.answer,
    bodyTimeout: timeoutMs.answer,
  });
  return { dispatcher, request: (url, options) => request(url, { dispatcher, ...options }) };
}

interface Client {
  readonly dispatcher: Dispatcher;
  readonly request: (url: URL, options: Asking) => Promise<Dispatcher.ResponseData>;
}

type Asking = Pick<GetOptions, "headers" | "signal">;

export function createGetter(ca: string | null): Getter {
  let loaded: Promise<Client> | null = null;
  return {
    async get(url, options) {
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs.whole)]);
      try {
        loaded ??= load(ca);
        return await follow(await loaded, url, { ...options, signal });
      } catch (error) {
        if (error instanceof BridgeError) throw error;
        throw upstreamError("upstream_unreachable", shown(url), describeCause(error), error);
      }
    },
    close: async () => {
      await (await loaded)?.dispatcher.destroy();
    },
  };
}

async function follow(client: Client, first: URL, options: GetOptions): Promise<Answer> {
  let url = first;
  for (let count = 0; count <= maxRedirects; count += 1) {
    const response = await client.request(url, {
      headers: headersFor(url, first, options.headers),
      signal: options.signal,
    });
    const target = redirectOf(response, url);
    if (target === null) return await readAnswer(response, first, options.maxBytes);
    await response.body.dump();
    if (url.protocol === "https:" && target.protocol !== "https:")
      throw upstreamError("upstream_invalid", shown(first), "it redirects to a place without TLS");
    url = target;
  }
  throw upstreamError(
    "upstream_invalid",
    shown(first),
    `it redirects more than ${maxRedirects} times`,
  );
}

function headersFor(url: URL, first: URL, headers: GetOptions["headers"]) {
  if (url.origin === first.origin) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}

function redirectOf({ statusCode, headers }: Dispatcher.ResponseData, base: URL): URL | null {
  const location = headers["location"];
  if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== "string") return null;
  return URL.canParse(location, base.href) ? new URL(location, base) : null;
}

async function readAnswer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  url: URL,
  maxBytes: number,
): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw upstreamError("bundle_too_large", shown(url), `it has more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return {
    status: statusCode,
    body: Buffer.concat(chunks),
    header: (name) => [headers[name]].flat()[0] ?? null,
  };
}

/** Queries may hold signatures. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
