/**
 * Where new policy comes from: what the bridge announces, what polling finds, or nothing but the
 * bundle that was there at start. Each way ends in `Receiver`, which alone may switch bundles.
 */
import type { Config } from "../config.ts";
import type { AppError } from "../errors.ts";
import type { Logger } from "pino";
import { createBridgeSync } from "./bridge.ts";
import type { Clock } from "./clock.ts";
import type { BundleIdentity } from "./decision.ts";
import type { Fetcher } from "./fetch.ts";
import { createPollSync } from "./poll.ts";

/** The policy, as seen by what brings bundles to it. */
export interface Receiver {
  active(): BundleIdentity | null;
  /** Throws AppError when the bundle cannot be enforced; then the last one goes on. */
  activate(bytes: Uint8Array, name: string): Promise<BundleIdentity>;
  /** The outcome of every attempt, for people; null is a success. */
  report(error: AppError | null): void;
  connected(isConnected: boolean): void;
}

export interface Sync {
  readonly kind: "none" | "bridge" | "poll";
  /** Fetches and activates now; failures are reported, never thrown. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface SyncDeps {
  readonly config: Config;
  readonly fetcher: Fetcher;
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
}

export function createSync(deps: SyncDeps, reload: () => Promise<void>): Sync {
  const url = deps.config.policySyncUrl;
  if (url === null) return { kind: "none", refresh: reload, close: async () => undefined };
  return url.protocol.startsWith("ws") ? createBridgeSync(deps, url) : createPollSync(deps, url);
}
