/** A call of `http.send`: what is kept is given again, the rest is asked for, as often as wanted. */
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf, RegoObject, type Value } from "../value.ts";
import type { Agents, CountedAgent } from "./agents.ts";
import { type Response, toAnswer } from "./answer.ts";
import type { ResponseCache, StoredResponse } from "./cache.ts";
import type { CacheWish } from "./cache-wish.ts";
import { exchange } from "./exchange.ts";
import { HttpFailure, toErrorAnswer } from "./failure.ts";
import { findExpiry, firstOf, forbidsStoring, hasValidator, isCacheable } from "./freshness.ts";
import type { Guard } from "./guard.ts";
import { withoutIgnoredHeaders } from "./ignored-headers.ts";
import { type HttpRequest, parseRequest, raisesErrors } from "./request.ts";
import { readTls, type TlsSources } from "./tls.ts";

export interface HttpCallDeps {
  readonly agents: Agents;
  readonly guard: Guard;
  readonly cache: ResponseCache;
  readonly tls: TlsSources;
  readonly maxBodyBytes: number;
  /** From 0 up to 1, for delays. */
  readonly random: () => number;
}

export interface Moment {
  /** Nanoseconds since the epoch: the query's own time. */
  readonly now: bigint;
  readonly signal: AbortSignal;
}

/** null: it failed, and the policy wants that to be undefined; or the time is over. */
export async function callHttp(
  operand: Value | undefined,
  moment: Moment,
  deps: HttpCallDeps,
): Promise<Value | null> {
  if (!(operand instanceof RegoObject)) return null;
  try {
    return await answer(operand, moment, deps);
  } catch (error) {
    if (moment.signal.aborted || !(error instanceof HttpFailure)) return null;
    return raises(operand) ? null : toErrorAnswer(error);
  }
}

function raises(operand: RegoObject): boolean {
  try {
    return raisesErrors(operand);
  } catch {
    return true;
  }
}

async function answer(operand: RegoObject, moment: Moment, deps: HttpCallDeps): Promise<Value> {
  const request = parseRequest(operand);
  if (request.cache === null) {
    return await toAnswer(await send(request, moment, deps), request.decodes);
  }
  const key = keyOf(withoutIgnoredHeaders(operand));
  const kept = await findKept(operand, key, moment, deps);
  if (kept !== null) return await toAnswer(kept, request.decodes);
  const response = await send(request, moment, deps);
  try {
    store(key, response, { wish: request.cache, now: moment.now }, deps.cache);
  } catch {
    // It is answered all the same, and asked for again next time.
  }
  return await toAnswer(response, request.decodes);
}

/** What is kept and fresh, or has just been found to hold still, or what the server has instead. */
async function findKept(
  operand: RegoObject,
  key: string,
  moment: Moment,
  deps: HttpCallDeps,
): Promise<Response | null> {
  const stored = deps.cache.get(key);
  if (stored === undefined) return null;
  if (moment.now < stored.expiresAt) return stored;
  deps.cache.delete(key);
  if (!hasValidator(stored.headers)) return null;
  // The headers that are not looked at are not sent here, as in OPA: they may be anybody's.
  const request = parseRequest(withoutIgnoredHeaders(operand));
  const response = await send(withConditions(request, stored), moment, deps);
  if (request.cache === null) return null;
  const terms = { wish: request.cache, now: moment.now };
  if (response.statusCode === 200) {
    store(key, response, terms, deps.cache);
    return response;
  }
  if (response.statusCode !== 304) return null;
  const expiresAt = findExpiry({ ...terms.wish, headers: response.headers, now: moment.now });
  const headers = new Map([...stored.headers, ...response.headers]);
  const renewed = { ...stored, headers, expiresAt };
  deps.cache.set(key, renewed);
  return renewed;
}

function withConditions(request: HttpRequest, { headers }: StoredResponse): HttpRequest {
  const [etag, modified] = [firstOf(headers, "etag"), firstOf(headers, "last-modified")];
  return {
    ...request,
    headers: new Map([
      ...request.headers,
      ...(etag === "" ? [] : [["If-None-Match", etag] as const]),
      ...(modified === "" ? [] : [["If-Modified-Since", modified] as const]),
    ]),
  };
}

interface Terms {
  readonly wish: CacheWish;
  readonly now: bigint;
}

function store(key: string, response: Response, { wish, now }: Terms, cache: ResponseCache): void {
  const { headers, statusCode } = response;
  const isForbidden = wish.forcedSeconds === null && forbidsStoring(headers);
  if (isForbidden || !isCacheable(statusCode) || !wish.isKept) return;
  const expiresAt = findExpiry({ ...wish, headers, now });
  // Neither fresh nor to be asked about: it would never be given again.
  if (expiresAt <= now && !hasValidator(headers)) return;
  cache.set(key, { ...response, expiresAt });
}

const firstDelayMs = 100;
const maxDelayMs = 60_000;

async function send(request: HttpRequest, moment: Moment, deps: HttpCallDeps): Promise<Response> {
  const { socket } = request.url;
  if (socket !== null && !deps.guard.permitsSocket(socket)) {
    throw new HttpFailure(
      "denied",
      `policies may not connect to the Unix socket ${JSON.stringify(socket)}`,
    );
  }
  const needs = {
    tls: await readTls(request.tls, deps.tls),
    serverName: request.tls.tls_server_name ?? request.headers.get("Host") ?? null,
    socket,
  };
  const agent = (): CountedAgent => deps.agents.get(needs);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await withTimeout(request.timeout, moment.signal, async (signal) => {
        return await exchange(request, { agent, signal, maxBodyBytes: deps.maxBodyBytes });
      });
    } catch (error) {
      const isFinal = !(error instanceof HttpFailure) || error.kind !== "network";
      if (isFinal || attempt >= request.retries) throw error;
    }
    await sleep(delayOf(attempt, deps.random), undefined, { signal: moment.signal });
  }
}

/** The first repetition comes at once, the others after ever longer. */
function delayOf(attempt: number, random: () => number): number {
  const delay = attempt === 0 ? 0 : Math.min(firstDelayMs * 1.6 ** attempt, maxDelayMs);
  return delay * (0.8 + 0.4 * random());
}

/** Longer than any decision takes; timers cannot take more. */
const maxTimeoutMs = 2 ** 31 - 1;

async function withTimeout<T>(
  nanoseconds: bigint,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  const controller = new AbortController();
  const end = (): void => {
    controller.abort(outer.reason);
  };
  const milliseconds = Math.min(Math.ceil(Number(nanoseconds) / 1e6), maxTimeoutMs);
  const timer =
    nanoseconds > 0n
      ? setTimeout(() => {
          controller.abort(new Error("context deadline exceeded: the request timed out"));
        }, milliseconds)
      : undefined;
  outer.addEventListener("abort", end, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", end);
  }
}
