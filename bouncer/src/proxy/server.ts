/** All listeners together: started as one, drained as one. */
import type { Route } from "../config.ts";
import { createHandler, type HandlerDeps, type InFlight } from "./handler.ts";
import { defaultLimits, type Listener, type ListenerLimits, startListener } from "./listener.ts";
import { startOpaqueListener } from "./opaque-listener.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

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

/**
 * Where a policy reads names of TLS servers, what a client of a server that speaks first waits.
 * Clients that speak first need not make it in time: see opaque-connection.ts.
 */
const silenceMs = 300;

export async function startProxy(
  routes: readonly Route[],
  deps: HandlerDeps,
  limits: ListenerLimits = defaultLimits,
): Promise<Proxy> {
  const inFlight: InFlight = { count: 0 };
  const upstreams: Upstream[] = [];
  const start = (route: Route): Promise<Listener> => {
    if (route.opaque) {
      const opaqueLimits = { silenceMs, helloTimeoutMs: limits.headTimeoutMs };
      return startOpaqueListener({ route, deps, inFlight, limits: opaqueLimits });
    }
    const upstream = createUpstream(route.target);
    upstreams.push(upstream);
    return startListener(route, createHandler(route, upstream, deps, inFlight), limits);
  };
  const listeners: Listener[] = [];
  const destroyAll = async (): Promise<void> => {
    for (const listener of listeners) listener.destroy();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  };
  try {
    for (const route of routes) listeners.push(await start(route));
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    await destroyAll();
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
      await destroyAll();
      return finished;
    },
  };
}
