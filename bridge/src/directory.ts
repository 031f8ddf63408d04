/**
 * The bundles in the bundle directory, held in memory. A file that cannot be read whole is
 * reported and what was read of it before goes on being served; a file that is gone is dropped.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { isBundleName, maxExpansion, readBundle, type Bundle } from "./bundle.ts";
import { BridgeError, messageOf, type ErrorCode } from "./errors.ts";
import { FileProblem, readChangedFile } from "./file.ts";
import { maxRolloutBytes, rolloutFileName } from "./rollout.ts";
import type { Rollouts } from "./rollouts.ts";
import type { BundleSource, BundleState } from "./source.ts";
import { watchDirectory } from "./watch.ts";

export interface DirectoryOptions {
  readonly path: string;
  readonly maxBundleBytes: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly onProblem: (code: ErrorCode) => void;
  /** Told of `rollout.json`; null: the one of the directory is not the one in force. */
  readonly onRollout: Rollouts["offer"] | null;
  readonly pollMs?: number;
}

interface Entry extends BundleState {
  /** Identity of the file's content as last looked at, so that unchanged files are not read. */
  readonly fingerprint: string;
}

const maxBundles = 100;
const defaultPollMs = 2_000;

export function createBundleDirectory(options: DirectoryOptions): BundleSource {
  const { path, log } = options;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(name: string) => void>();
  let read = false;
  let hasRollout = false;
  /** Identity of `rollout.json` as last looked at; undefined when there was none. */
  let rolloutSeen: string | undefined;
  /** Last problem of the directory as a whole, so that it is logged once, not at every poll. */
  let directoryProblem: ErrorCode | null = null;
  let running: Promise<void> | null = null;
  let again = false;

  function report(code: ErrorCode, message: string, name?: string): void {
    options.onProblem(code);
    log.error({ code, bundle: name, problem: message }, "bundle directory problem");
  }

  async function names(): Promise<readonly string[] | null> {
    try {
      const all = await readdir(path);
      hasRollout = all.includes(rolloutFileName);
      const found = all.filter(isBundleName).toSorted();
      const problem = found.length > maxBundles ? "too_many_bundles" : null;
      if (problem !== null && directoryProblem !== problem) {
        report(
          problem,
          `Cannot serve all bundles of "${path}": there are ${found.length}, at most ${maxBundles} are served`,
        );
      }
      directoryProblem = problem;
      return found.slice(0, maxBundles);
    } catch (error) {
      if (directoryProblem !== "directory_unreadable") {
        report(
          "directory_unreadable",
          `Cannot read bundle directory "${path}": ${messageOf(error)}`,
        );
      }
      directoryProblem = "directory_unreadable";
      return null;
    }
  }

  /** What is to be said of `rollout.json`; undefined: nothing new. */
  async function lookAtRollout(): Promise<Parameters<Rollouts["offer"]>[0] | undefined> {
    if (!hasRollout) {
      const isNews = rolloutSeen !== undefined;
      rolloutSeen = undefined;
      return isNews ? null : undefined;
    }
    try {
      const found = await readChangedFile({
        path: join(path, rolloutFileName),
        what: rolloutFileName,
        seen: rolloutSeen,
        maxBytes: maxRolloutBytes,
      });
      if (found === null) return undefined;
      rolloutSeen = found.fingerprint;
      return { text: found.bytes.toString("utf8") };
    } catch (error) {
      if (!(error instanceof FileProblem)) throw error;
      rolloutSeen = error.fingerprint;
      return { problem: { code: "rollout_invalid", message: error.message } };
    }
  }

  /** True when what is served under the name is now something else. */
  async function update(name: string): Promise<boolean> {
    const before = entries.get(name);
    const looked = await look(join(path, name), name, before?.fingerprint, options.maxBundleBytes);
    if (looked === null) return false;
    if (looked.kind === "bundle") return replace(name, before, looked);
    keepBefore(name, before, looked);
    return false;
  }

  function keepBefore(name: string, before: Entry | undefined, looked: LookedProblem): void {
    const { code, message, fingerprint } = looked;
    const { bundle, readAt } = before ?? { bundle: null, readAt: null };
    entries.set(name, { name, bundle, readAt, problem: { code, message }, fingerprint });
    if (before?.problem?.message !== message) report(code, message, name);
  }

  function replace(name: string, before: Entry | undefined, looked: LookedBundle): boolean {
    const { bundle, fingerprint } = looked;
    entries.set(name, { name, bundle, readAt: options.now(), problem: null, fingerprint });
    if (bundle.sha256 === before?.bundle?.sha256) return false;
    const { revision, sha256 } = bundle;
    log.info({ bundle: name, revision, sha256, bytes: bundle.bytes.length }, "bundle changed");
    return true;
  }

  async function scanOnce(): Promise<void> {
    const found = await names();
    if (found === null) return;
    const changed: string[] = [];
    for (const name of entries.keys()) {
      if (found.includes(name)) continue;
      entries.delete(name);
      log.warn({ bundle: name }, "bundle removed");
      changed.push(name);
    }
    for (const name of found) if (await update(name)) changed.push(name);
    read = true;
    // After the bundles: what becomes the bundle and ends as a candidate does so in one step.
    const rollout = options.onRollout === null ? undefined : await lookAtRollout();
    if (rollout !== undefined) options.onRollout?.(rollout);
    for (const name of changed) for (const listener of listeners) listener(name);
  }

  async function scanUntilSettled(): Promise<void> {
    do {
      again = false;
      await scanOnce();
      // `again` is set by events that come in while the directory is being read.
    } while (again);
    running = null;
  }

  function scan(): Promise<void> {
    again = running !== null;
    running ??= scanUntilSettled();
    return running;
  }

  const watcher = watchDirectory(path, () => void scan(), options.pollMs ?? defaultPollMs);

  return {
    get: (name) => entries.get(name)?.bundle ?? null,
    list: () => [...entries.values()],
    isRead: () => read,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    scan,
    close: async () => watcher.close(),
  };
}

interface LookedBundle {
  readonly kind: "bundle";
  readonly bundle: Bundle;
  readonly fingerprint: string;
}

interface LookedProblem {
  readonly kind: "problem";
  readonly code: ErrorCode;
  readonly message: string;
  readonly fingerprint: string;
}

/** Null when the file is the one that was looked at before. */
async function look(
  path: string,
  name: string,
  seen: string | undefined,
  maxBytes: number,
): Promise<LookedBundle | LookedProblem | null> {
  let fingerprint = "";
  try {
    const read = await readChangedFile({ path, what: `bundle "${name}"`, seen, maxBytes });
    if (read === null) return null;
    fingerprint = read.fingerprint;
    const bundle = await readBundle(name, read.bytes, maxBytes * maxExpansion);
    return { kind: "bundle", bundle, fingerprint };
  } catch (error) {
    if (error instanceof FileProblem) fingerprint = error.fingerprint;
    const code = error instanceof BridgeError ? error.code : "bundle_unreadable";
    return { kind: "problem", code, message: messageOf(error), fingerprint };
  }
}
