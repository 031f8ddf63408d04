/** Polls servers for bundles: each bundle by itself, until the end. */
import { sourcesOf } from "../bundle/requirements.ts";
import type { Sync, SyncDeps } from "./source.ts";
import { createPoller, type Poller } from "./poller.ts";

export function createPollSync(deps: SyncDeps): Sync {
  const { receiver, config } = deps;
  const stop = new AbortController();
  /** What keeps a bundle from being current, by its name. */
  const failing = new Set<string>();
  const unreachable = new Set<string>();

  const pollers = sourcesOf(config).flatMap(({ name, pollUrl }): readonly Poller[] => {
    if (pollUrl === null) return [];
    const poller = createPoller(deps, {
      name,
      url: pollUrl,
      signal: stop.signal,
      onOutcome: (error) => {
        if (error === null) failing.delete(name);
        else failing.add(name);
        // A bundle that can be had does not make up for one that cannot.
        if (error !== null || failing.size === 0) receiver.report(error);
      },
      onConnected: (isConnected) => {
        if (isConnected) unreachable.delete(name);
        else unreachable.add(name);
        receiver.connected(unreachable.size === 0);
      },
    });
    return [poller];
  });
  const running = Promise.all(pollers.map((poller) => poller.run()));
  return {
    kind: "poll",
    refresh: async () => {
      await Promise.all(pollers.map((poller) => poller.refresh()));
    },
    // Whoever is polled hears of no status.
    changed: () => undefined,
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
