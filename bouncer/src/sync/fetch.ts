/** Pulls a bundle by HTTP(S): one request, no redirects, bounded in time and size. */
import type { Dispatcher } from "undici";
import { request } from "undici";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { systemClock } from "../clock.ts";
import { createAgent, createCredentials, type Credentials, describeFailure } from "./access.ts";

export interface FetchOptions {
  /** ETag of what is enforced already. */
  readonly etag?: string | null;
  /** Ask the server to hold the request until there is something new. */
  readonly waitSeconds?: number;
  /** What has changed since `etag` will do, too. */
  readonly acceptsDelta?: boolean;
  readonly signal?: AbortSignal;
}

export type Fetched =
  | {
      readonly kind: "bundle";
      readonly bytes: Uint8Array;
      readonly etag: string | null;
      readonly isLongPoll: boolean;
    }
  | {
      readonly kind: "unchanged";
      /** The server may have another for the same content now; null: it did not say. */
      readonly etag: string | null;
      /** null: the answer does not tell. */
      readonly isLongPoll: boolean | null;
    };

export interface Fetcher {
  /** Throws AppError: `bundle_not_found` or `bundle_unreachable`. */
  fetch(url: URL, options?: FetchOptions): Promise<Fetched>;
  close(): Promise<void>;
}

/** A server that answers no faster than this is as good as gone. */
const answerTimeoutMs = 10_000;
const downloadTimeoutMs = 60_000;
/** How a server says that it holds requests until there is something new. */
const longPollType = "application/vnd.openpolicyagent.bundles";

export function createFetcher(config: Config): Fetcher {
  const dispatcher = createAgent(config);
  const access = { dispatcher, credentials: createCredentials(config, systemClock) };
  return {
    async fetch(url, options = {}) {
      try {
        return await pull(config, access, url, options);
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw unreachable(url, describeFailure(error), error);
      }
    },
    close: async () => {
      await dispatcher.destroy();
    },
  };
}

function unreachable(url: URL, reason: string, cause?: unknown): AppError {
  return new AppError("bundle_unreachable", `Cannot fetch bundle "${url.href}": ${reason}`, {
    cause,
  });
}

interface Access {
  readonly dispatcher: Dispatcher;
  readonly credentials: Credentials;
}

async function pull(
  config: Config,
  { dispatcher, credentials }: Access,
  url: URL,
  options: FetchOptions,
): Promise<Fetched> {
  const { etag = null, waitSeconds = 0, acceptsDelta = false, signal } = options;
  const modes = acceptsDelta ? "modes=snapshot,delta" : "modes=snapshot";
  const waitMs = waitSeconds * 1000;
  const deadline = AbortSignal.timeout(waitMs + downloadTimeoutMs);
  const response = await request(url, {
    dispatcher,
    headers: {
      ...(await credentials.headers()),
      accept: `${longPollType}, application/gzip, */*`,
      prefer: waitSeconds > 0 ? `${modes};wait=${waitSeconds}` : modes,
      ...(etag === null ? {} : { "if-none-match": etag }),
    },
    headersTimeout: waitMs + answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
  });
  if (response.statusCode === 401) credentials.refused();
  return await readAnswer(url, response, config.policyMaxBundleBytes);
}

async function readAnswer(
  url: URL,
  response: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Fetched> {
  const { statusCode, headers, body } = response;
  const etag = takeFirst(headers["etag"]) ?? null;
  const type = takeFirst(headers["content-type"]) ?? "";
  const isLongPoll = type.split(";", 1)[0]?.trim().toLowerCase() === longPollType;
  if (statusCode === 200) {
    const bytes = await readBody(url, response, maxBytes);
    // OPA's protocol: an empty answer is a long poll that ended without news.
    if (bytes.byteLength === 0) return { kind: "unchanged", etag: null, isLongPoll };
    return { kind: "bundle", bytes, etag, isLongPoll };
  }
  await body.dump();
  if (statusCode === 304) {
    return { kind: "unchanged", etag, isLongPoll: type === "" ? null : isLongPoll };
  }
  if (statusCode === 404 || statusCode === 410) {
    throw new AppError("bundle_not_found", `Cannot fetch bundle "${url.href}": not found`);
  }
  throw unreachable(url, `the server answered with status ${statusCode}`);
}

function takeFirst(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

async function readBody(
  url: URL,
  response: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new AppError(
        "bundle_invalid",
        `Cannot fetch bundle "${url.href}": it is larger than ${maxBytes} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
