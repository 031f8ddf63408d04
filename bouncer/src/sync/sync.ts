/**
 * Where new policy comes from: what the bridge announces, what polling finds, or nothing but the
 * bundle that was there at start. Each way ends in `Receiver`, which alone may switch bundles.
 */
import type { Sync, SyncDeps } from "./source.ts";

/** What a way takes is loaded when it is the one; nobody waits for that at start. */
export function createSync(deps: SyncDeps, reload: () => Promise<void>): Sync {
  const url = deps.config.policySyncUrl;
  if (url === null) {
    return {
      kind: "none",
      refresh: reload,
      changed: () => undefined,
      close: async () => undefined,
    };
  }
  return url.protocol.startsWith("ws")
    ? loadSync("bridge", async () => (await import("./bridge.ts")).createBridgeSync(deps, url))
    : loadSync("poll", async () => (await import("./poll.ts")).createPollSync(deps));
}

function loadSync(kind: Sync["kind"], load: () => Promise<Sync>): Sync {
  const loading = load();
  return {
    kind,
    refresh: async () => await (await loading).refresh(),
    changed: () => {
      void loading.then((sync) => sync.changed());
    },
    close: async () => {
      await (await loading).close();
    },
  };
}
