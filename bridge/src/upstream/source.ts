/**
 * Bundles from elsewhere, held in memory: each is asked for again and again, at its own times.
 * Whatever goes wrong, what came before goes on being served.
 */
import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { type Bundle, maxExpansion, readBundle } from "../bundle.ts";
import { BridgeError, type ErrorCode, messageOf } from "../errors.ts";
import { rolloutFileName } from "../rollout.ts";
import type { Rollouts } from "../rollouts.ts";
import type { BundleSource, BundleState } from "../source.ts";
import type { Upstream } from "./upstream.ts";

export interface RemoteFile {
  /** A bundle's name, or `rollout.json`. */
  readonly name: string;
  readonly upstream: Upstream;
}

export interface RemoteOptions {
  readonly files: readonly RemoteFile[];
  readonly pollMs: number;
  readonly maxBundleBytes: number;
  readonly log: Logger;
  readonly now: () => number;
  /** At least 0, less than 1. */
  readonly random: () => number;
  readonly onProblem: (code: ErrorCode) => void;
  /** After every question, with the code of what went wrong, else whether there was something new. */
  readonly onPulled: (result: ErrorCode | "changed" | "unchanged") => void;
  readonly onRollout: Rollouts["offer"];
}

interface Entry extends BundleState {
  readonly tag: string | null;
  /** In a row. */
  readonly failures: number;
}

const backoff = { baseMs: 1_000, capMs: 60_000 } as const;
/** After so many failures a place counts as read: the bridge serves what others have. */
const patience = 5;

export function createRemoteSource(options: RemoteOptions): BundleSource {
  const { log } = options;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(name: string) => void>();
  const stop = new AbortController();
  let wake = new AbortController();
  let running: Promise<unknown> | null = null;

  function entryOf(name: string): Entry {
    const none = { name, bundle: null, readAt: null, problem: null, tag: null, failures: 0 };
    return entries.get(name) ?? none;
  }

  function fail(name: string, error: unknown): void {
    const code = error instanceof BridgeError ? error.code : "upstream_unreachable";
    const message = messageOf(error);
    const before = entryOf(name);
    const failures = before.failures + 1;
    // Without the tag: what came broken may come whole the next time.
    entries.set(name, { ...before, problem: { code, message }, failures, tag: null });
    options.onPulled(code);
    if (name === rolloutFileName) options.onRollout({ problem: { code, message } });
    if (before.problem?.message === message) return;
    options.onProblem(code);
    log.error({ code, bundle: name, problem: message }, "upstream problem");
  }

  function accept(name: string, tag: string | null, bundle: Bundle | null): void {
    const { bundle: before } = entryOf(name);
    const readAt = options.now();
    entries.set(name, { name, bundle, readAt, problem: null, failures: 0, tag });
    if (bundle === null || bundle.sha256 === before?.sha256) return options.onPulled("unchanged");
    const { revision, sha256 } = bundle;
    log.info({ bundle: name, revision, sha256, bytes: bundle.bytes.length }, "bundle changed");
    options.onPulled("changed");
    for (const listener of listeners) listener(name);
  }

  async function pull({ name, upstream }: RemoteFile): Promise<void> {
    try {
      const before = entryOf(name);
      const fetched = await upstream.fetch(before.tag, stop.signal);
      if (fetched === null) return accept(name, before.tag, before.bundle);
      const { bytes, tag } = fetched;
      if (name === rolloutFileName) {
        options.onRollout({ text: bytes.toString("utf8") });
        return accept(name, tag, null);
      }
      accept(name, tag, await readBundle(name, bytes, options.maxBundleBytes * maxExpansion));
    } catch (error) {
      if (!stop.signal.aborted) fail(name, error);
    }
  }

  /** Full jitter after failures; between polls, three quarters to five quarters of the interval. */
  function delayOf(name: string): number {
    const { failures } = entryOf(name);
    if (failures === 0) return options.pollMs * (0.75 + options.random() / 2);
    const bound = backoff.baseMs * 2 ** Math.min(failures - 1, 30);
    return options.random() * Math.min(bound, backoff.capMs, options.pollMs);
  }

  async function follow(file: RemoteFile): Promise<void> {
    while (!stop.signal.aborted) {
      // Taken before: who wants another look while this one is under way gets it after it.
      const signal = AbortSignal.any([stop.signal, wake.signal]);
      await pull(file);
      await setTimeout(delayOf(file.name), undefined, { signal }).catch(() => undefined);
    }
  }

  const bundles = options.files.filter(({ name }) => name !== rolloutFileName);
  return {
    get: (name) => entries.get(name)?.bundle ?? null,
    list: () => bundles.map(({ name }) => stateOf(entryOf(name))),
    isRead: () =>
      options.files.every(({ name }) => {
        const { readAt, failures } = entryOf(name);
        return readAt !== null || failures >= patience;
      }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // Begins, or looks again at once; how long an answer takes is up to the place.
    async scan() {
      wake.abort();
      wake = new AbortController();
      running ??= Promise.all(options.files.map(follow));
    },
    async close() {
      stop.abort();
      await running;
      await Promise.all(options.files.map(({ upstream }) => upstream.close()));
    },
  };
}

function stateOf({ name, bundle, readAt, problem }: Entry): BundleState {
  return { name, bundle, readAt, problem };
}
