/** Where the bridge has its bundles from, whatever kind of place it is. Types only. */
import type { Bundle } from "./bundle.ts";
import type { ErrorCode } from "./errors.ts";

/** One bundle as people and metrics see it. */
export interface BundleState {
  readonly name: string;
  /** What is served; null when no version could be read yet. */
  readonly bundle: Bundle | null;
  /** Milliseconds since the epoch when `bundle` was read. */
  readonly readAt: number | null;
  /** Why what is there now is not what is served. */
  readonly problem: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface BundleSource {
  get(name: string): Bundle | null;
  list(): readonly BundleState[];
  /** What is there has been read at least once. */
  isRead(): boolean;
  /** Called with the name whenever the content served under it changes; returns the undo. */
  subscribe(listener: (name: string) => void): () => void;
  /** Looks now; resolves when what is near has been read. Never rejects. */
  scan(): Promise<void>;
  close(): Promise<void>;
}
