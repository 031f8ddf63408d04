/** Pulls a bundle by HTTP(S): one request, no redirects, bounded in time and size. */
import type { IncomingMessage } from "node:http";
import { ask, readBounded } from "../client/request.ts";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { systemClock } from "../clock.ts";
import { createCredentials, type Credentials, identify } from "./access.ts";
import { describeFailure } from "./failure.ts";

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
  /** Ends what is under way. */
  close(): Promise<void>;
}

/** A server that answers no faster than this is as good as gone. */
const answerTimeoutMs = 10_000;
const downloadTimeoutMs = 60_000;
/** How a server says that it holds requests until there is something new. */
const longPollType = "application/vnd.openpolicyagent.bundles";

export function createFetcher(config: Config): Fetcher {
  const closing = new AbortController();
  const access = {
    credentials: createCredentials(config, systemClock),
    closed: closing.signal,
  };
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
      closing.abort(new Error("the bouncer stops"));
    },
  };
}

function unreachable(url: URL, reason: string, cause?: unknown): AppError {
  return new AppError("bundle_unreachable", `Cannot fetch bundle "${url.href}": ${reason}`, {
    cause,
  });
}

interface Access {
  readonly credentials: Credentials;
  readonly closed: AbortSignal;
}

async function pull(
  config: Config,
  { credentials, closed }: Access,
  url: URL,
  options: FetchOptions,
): Promise<Fetched> {
  const { etag = null, waitSeconds = 0, acceptsDelta = false, signal } = options;
  const modes = acceptsDelta ? "modes=snapshot,delta" : "modes=snapshot";
  const waitMs = waitSeconds * 1000;
  const deadline = AbortSignal.timeout(waitMs + downloadTimeoutMs);
  const signals = [deadline, closed, ...(signal === undefined ? [] : [signal])];
  const response = await ask(url, {
    identify: () => identify(config),
    headers: {
      ...(await credentials.headers()),
      accept: `${longPollType}, application/gzip, */*`,
      prefer: waitSeconds > 0 ? `${modes};wait=${waitSeconds}` : modes,
      ...(etag === null ? {} : { "if-none-match": etag }),
    },
    headMs: waitMs + answerTimeoutMs,
    pauseMs: answerTimeoutMs,
    signal: AbortSignal.any(signals),
  });
  if (response.statusCode === 401) credentials.refused();
  return await readAnswer(url, response, config.policyMaxBundleBytes);
}

async function readAnswer(url: URL, response: IncomingMessage, maxBytes: number): Promise<Fetched> {
  const { statusCode, headers } = response;
  const etag = headers["etag"] ?? null;
  const type = headers["content-type"] ?? "";
  const isLongPoll = type.split(";", 1)[0]?.trim().toLowerCase() === longPollType;
  if (statusCode === 200) {
    const bytes = await readBody(url, response, maxBytes);
    // OPA's protocol: an empty answer is a long poll that ended without news.
    if (bytes.byteLength === 0) return { kind: "unchanged", etag: null, isLongPoll };
    return { kind: "bundle", bytes, etag, isLongPoll };
  }
  response.destroy();
  if (statusCode === 304) {
    return { kind: "unchanged", etag, isLongPoll: type === "" ? null : isLongPoll };
  }
  if (statusCode === 404 || statusCode === 410) {
    throw new AppError("bundle_not_found", `Cannot fetch bundle "${url.href}": not found`);
  }
  throw unreachable(url, `the server answered with status ${statusCode}`);
}

async function readBody(
  url: URL,
  response: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array> {
  const bytes = await readBounded(response, maxBytes);
  if (bytes !== null) return bytes;
  throw new AppError(
    "bundle_invalid",
    `Cannot fetch bundle "${url.href}": it is larger than ${maxBytes} bytes`,
  );
}
