/**
 * Where new policy comes from: what the bridge announces, what polling finds, or nothing but the
 * bundle that was there at start. Each way ends in `Receiver`, which alone may switch bundles.
 */
import { createBridgeSync } from "./bridge.ts";
import { createPollSync } from "./poll.ts";
import type { Sync, SyncDeps } from "./source.ts";

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
  return url.protocol.startsWith("ws") ? createBridgeSync(deps, url) : createPollSync(deps);
}
