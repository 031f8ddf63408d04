/** What every way of bringing new policy is given and gives. Types only. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { AppError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { BundleIdentity } from "../policy/decision.ts";
import type { Fetcher } from "./fetch.ts";

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
