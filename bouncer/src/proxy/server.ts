/** All listeners together: started as one, drained as one. */
import type { Route } from "../config.ts";
import type { ServerLimits, ServerStream, Upstream } from "../http/message.ts";
import { createHttp1Upstream } from "../http1/upstream.ts";
import { createHttp2Upstream } from "../http2/upstream.ts";
import { connectTimeoutMs } from "./app-socket.ts";
import type { Certificate } from "./certificate.ts";
import { createHandler, type HandlerDeps } from "./handler.ts";
import { InFlight, type SharedCount } from "./in-flight.ts";
import { defaultLimits, type Listener, startListener } from "./listener.ts";
import { startOpaqueListener } from "./opaque-listener.ts";

export interface Proxy {
  /** Ports listened on, in the order of the routes. */
  readonly ports: readonly number[];
  inFlight(): number;
  connections(): number;
  /**
   * Stops accepting, closes what is idle, and resolves when the last request is over, or after
   * `timeoutMs` or on `signal`, when what is left is cut off. Says whether nothing was.
   */
  stop(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
}

export interface ProxyOptions {
  readonly limits?: ServerLimits;
  /** For routes with TLS. */
  readonly certificate?: Certificate | null;
  /** Where several threads listen on the same ports: what is under way in all of them. */
  readonly shared?: SharedCount | null;
  /** Other codecs in the place of ours; see `test/reference`. */
  readonly startHttp?: typeof startListener;
  readonly createUpstreams?: typeof createUpstreams;
}

/**
 * Where a policy reads names of TLS servers, what a client of a server that speaks first waits.
 * Clients that speak first need not make it in time: see opaque-connection.ts.
 */
const silenceMs = 300;

/** Below what servers commonly grant an idle connection. */
const keepAliveMs = 4000;

/** A connection of HTTP/2 is one for all, and servers keep it. */
const sharedKeepAliveMs = 60_000;

export interface Upstreams {
  /** The one for a request: in the version that the client speaks, unless the route has its own. */
  readonly of: (stream: ServerStream) => Upstream;
  close(): void;
}

export function createUpstreams({ target, protocol }: Route): Upstreams {
  const http1 = createHttp1Upstream({ ...target, connectTimeoutMs, keepAliveMs });
  const http2 = createHttp2Upstream({
    ...target,
    connectTimeoutMs,
    keepAliveMs: sharedKeepAliveMs,
    limits: { maxHeaderBytes: 64 * 1024, maxHeaders: 1000 },
  });
  const choose = ({ request }: ServerStream): Upstream => (request.version === "2" ? http2 : http1);
  const fixed = { http1, h2c: http2, auto: null }[protocol];
  return {
    // Only HTTP/1 can switch protocols (RFC 9113, 8.6).
    of: fixed === null ? choose : () => fixed,
    close: () => {
      http1.close();
      http2.close();
    },
  };
}

/** How often it is looked at what has taken too long: often enough for the shortest time-out. */
function tickMsOf(limits: ServerLimits, { targetTimeoutMs, bodyTimeoutMs }: HandlerDeps): number {
  const { headTimeoutMs, idleTimeoutMs, halfClosedMs } = limits;
  const all = [headTimeoutMs, idleTimeoutMs, halfClosedMs, targetTimeoutMs, bodyTimeoutMs];
  const shortest = Math.min(...all.filter((ms) => ms > 0));
  return Math.max(10, Math.min(1000, shortest / 4));
}

export async function startProxy(
  routes: readonly Route[],
  deps: HandlerDeps,
  options: ProxyOptions = {},
): Promise<Proxy> {
  const { limits = defaultLimits, certificate = null, shared = null } = options;
  const inFlight = new InFlight(shared);
  const reusePort = shared !== null;
  const upstreams: Upstreams[] = [];
  const start = (route: Route): Promise<Listener> => {
    if (route.opaque) {
      const opaqueLimits = { silenceMs, helloTimeoutMs: limits.headTimeoutMs };
      return startOpaqueListener({ route, deps, inFlight, limits: opaqueLimits, reusePort });
    }
    const upstream = (options.createUpstreams ?? createUpstreams)(route);
    upstreams.push(upstream);
    const handler = createHandler({ route, upstreamOf: upstream.of, deps, inFlight });
    const given = {
      route,
      handler,
      limits,
      certificate: route.tls ? certificate : null,
      reusePort,
    };
    return (options.startHttp ?? startListener)(given);
  };
  const listeners: Listener[] = [];
  const tick = setInterval(
    () => {
      const now = performance.now();
      for (const listener of listeners) listener.check(now);
      inFlight.check(now);
    },
    tickMsOf(limits, deps),
  );
  const unsubscribe = deps.policy.onChange(() => {
    inFlight.onPolicyChange();
  });
  const destroyAll = (): void => {
    clearInterval(tick);
    unsubscribe();
    for (const listener of listeners) listener.destroy();
    for (const upstream of upstreams) upstream.close();
  };
  try {
    for (const route of routes) listeners.push(await start(route));
  } catch (error) {
    destroyAll();
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
  return {
    ports: listeners.map((listener) => listener.port),
    inFlight: () => inFlight.count,
    connections: () => listeners.reduce((sum, listener) => sum + listener.connections(), 0),
    stop: async (timeoutMs, signal) => {
      let finished = true;
      const cutOff = (): void => {
        if (inFlight.count > 0) finished = false;
        for (const listener of listeners) listener.destroy();
      };
      const closed = Promise.all(listeners.map((listener) => listener.close()));
      const timer = setTimeout(cutOff, timeoutMs);
      signal?.addEventListener("abort", cutOff);
      if (signal?.aborted === true) cutOff();
      await closed;
      clearTimeout(timer);
      destroyAll();
      return finished;
    },
  };
}
