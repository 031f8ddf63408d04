/** `GET /bundles/<name>`: conditional requests and long polling over the bundle source. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Bundle } from "./bundle.ts";
import type { Authentication } from "./authenticate.ts";
import { answerJson, refuse } from "./answer.ts";
import { createLimit, type Limit } from "./limit.ts";
import { matchesEtag, parseBundlePath, parseWaitSeconds } from "./conditional.ts";
import type { BundleSource } from "./source.ts";

export interface BundlesOptions {
  readonly source: Pick<BundleSource, "get" | "subscribe">;
  readonly authenticate: (authorization: string | undefined) => Promise<Authentication>;
  /** Aborted when the bridge shuts down: those who wait are answered at once. */
  readonly closing: AbortSignal;
  readonly onAnswered: (status: number) => void;
  /** A socket without traffic for this long is closed, unless its request is a long poll. */
  readonly idleTimeoutMs: number;
}

/** Bundles on their way at once, and those that wait for their turn; more are told to come back. */
const maxTransfers = 32;
const maxWaiting = 5_000;
const sliceBytes = 16 * 1024;

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function createBundlesHandler(options: BundlesOptions): Handler {
  const { source, closing } = options;
  const transfers = createLimit(maxTransfers, maxWaiting);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = parseBundlePath(request.url ?? "");
    if (name === null) return refuse(response, "not_found");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(response, "method_not_allowed");
    }
    const authentication = await options.authenticate(request.headers.authorization);
    if (authentication.kind === "refusal") return refuse(response, authentication.code);

    const waitSeconds = parseWaitSeconds(header(request, "prefer"));
    const has = (bundle: Bundle): boolean =>
      matchesEtag(request.headers["if-none-match"], etagOf(bundle));

    let bundle = source.get(name);
    if (bundle !== null && waitSeconds > 0 && has(bundle)) {
      request.socket.setTimeout(0);
      await change(name, waitSeconds * 1000, response);
      request.socket.setTimeout(options.idleTimeoutMs);
      if (closing.aborted) response.setHeader("connection", "close");
      bundle = source.get(name);
    }
    if (bundle === null) return refuse(response, "not_found");
    const withBody = request.method === "GET";
    await send(response, bundle, { unchanged: has(bundle), waitSeconds, withBody }, transfers);
  }

  /** Resolves when the bundle changes, the time is up, the client leaves or the bridge closes. */
  function change(name: string, timeoutMs: number, response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        unsubscribe();
        closing.removeEventListener("abort", done);
        response.off("close", done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      const unsubscribe = source.subscribe((changed) => {
        if (changed === name) done();
      });
      closing.addEventListener("abort", done);
      response.once("close", done);
      if (closing.aborted || response.destroyed) done();
    });
  }

  return async (request, response) => {
    response.once("close", () =>
      options.onAnswered(response.writableFinished ? response.statusCode : 499),
    );
    if (closing.aborted) response.setHeader("connection", "close");
    try {
      await answer(request, response);
    } catch {
      // A bug, not the client's doing; nothing of it is told to the client.
      if (response.headersSent) response.destroy();
      else answerJson(response, 500, { error: { code: "internal", message: "Internal error" } });
    }
  };
}

/** OPA's name for a bundle from a server that holds requests; without it OPA polls by the clock. */
const mediaType = "application/vnd.openpolicyagent.bundles";

interface Sending {
  readonly unchanged: boolean;
  readonly waitSeconds: number;
  readonly withBody: boolean;
}

async function send(
  response: ServerResponse,
  bundle: Bundle,
  how: Sending,
  transfers: Limit,
): Promise<void> {
  response.setHeader("etag", etagOf(bundle));
  response.setHeader("content-type", mediaType);
  // The answer depends on a token: caches on the way must ask again, every time.
  response.setHeader("cache-control", "private, no-cache");
  if (bundle.revision !== "")
    response.setHeader("x-bundle-revision", encodeURIComponent(bundle.revision));
  if (how.waitSeconds > 0) response.setHeader("preference-applied", `wait=${how.waitSeconds}`);
  if (how.unchanged) {
    response.writeHead(304).end();
    return;
  }
  // Who has it needs the connection no more, and each connection with TLS takes 60 KiB.
  response.setHeader("connection", "close");
  response.setHeader("content-length", bundle.bytes.length);
  if (!how.withBody) {
    response.writeHead(200).end();
    return;
  }
  const sent = await transfers.run(() => sendBody(response, bundle.bytes));
  if (sent !== null) return;
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  refuse(response, "bundles_busy");
}

/**
 * In slices, each when the one before is on its way: what is written to a connection with TLS is
 * copied at once, and 2,000 copies of a bundle would be more than there is memory for.
 */
async function sendBody(response: ServerResponse, bytes: Buffer): Promise<void> {
  response.writeHead(200);
  for (let at = 0; at < bytes.length && !response.destroyed; at += sliceBytes) {
    if (!response.write(bytes.subarray(at, at + sliceBytes))) await drained(response);
  }
  response.end();
  // A place in line is free when the last slice is on its way, too.
  await finished(response);
}

function drained(response: ServerResponse): Promise<void> {
  return settled(response, "drain");
}

function finished(response: ServerResponse): Promise<void> {
  return response.writableFinished ? Promise.resolve() : settled(response, "finish");
}

/** Or the client left. */
function settled(response: ServerResponse, event: "drain" | "finish"): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off(event, done);
      response.off("close", done);
      resolve();
    };
    response.on(event, done);
    response.on("close", done);
    if (response.destroyed) done();
  });
}

export function etagOf(bundle: Bundle): string {
  return `"${bundle.sha256}"`;
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
