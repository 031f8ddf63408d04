/**
 * The bundles in the bundle directory, held in memory. A file that cannot be read whole is
 * reported and what was read of it before goes on being served; a file that is gone is dropped.
 */
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { readBundle, type Bundle } from "./bundle.ts";
import { BridgeError, messageOf, type ErrorCode } from "./errors.ts";
import { watchDirectory } from "./watch.ts";

/** One bundle of the directory as people and metrics see it. */
export interface BundleState {
  readonly name: string;
  /** What is served; null when no version of the file could be read yet. */
  readonly bundle: Bundle | null;
  /** Milliseconds since the epoch when `bundle` was read. */
  readonly readAt: number | null;
  /** Why the file as it is now is not what is served. */
  readonly problem: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface BundleDirectory {
  get(name: string): Bundle | null;
  list(): readonly BundleState[];
  /** The directory has been read at least once. */
  isRead(): boolean;
  /** Called with the name whenever the content served under it changes; returns the undo. */
  subscribe(listener: (name: string) => void): () => void;
  /** Reads the directory now; resolves when that is done. Never rejects. */
  scan(): Promise<void>;
  close(): void;
}

export interface DirectoryOptions {
  readonly path: string;
  readonly maxBundleBytes: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly onProblem: (code: ErrorCode) => void;
  readonly pollMs?: number;
}

interface Entry extends BundleState {
  /** Identity of the file's content as last looked at, so that unchanged files are not read. */
  readonly fingerprint: string;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,245}\.tar\.gz$/;
const maxBundles = 100;
/** What a bundle unpacks to, against the size limit: more is a bomb, not a policy. */
const maxExpansion = 16;
const defaultPollMs = 2_000;

export function isBundleName(name: string): boolean {
  return namePattern.test(name);
}

export function createBundleDirectory(options: DirectoryOptions): BundleDirectory {
  const { path, log } = options;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(name: string) => void>();
  let read = false;
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
      const found = (await readdir(path)).filter(isBundleName).toSorted();
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
    close: () => watcher.close(),
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
    await using file = await open(path);
    const before = await file.stat({ bigint: true });
    fingerprint = identify(before);
    if (fingerprint === seen) return null;
    if (!before.isFile()) {
      throw new BridgeError("bundle_unreadable", `Cannot read bundle "${name}": it is not a file`);
    }
    if (before.size > maxBytes) {
      throw new BridgeError(
        "bundle_too_large",
        `Cannot read bundle "${name}": it has ${before.size} bytes, at most ${maxBytes} are served`,
      );
    }
    const bytes = Buffer.alloc(Number(before.size));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead !== bytes.length || identify(await file.stat({ bigint: true })) !== fingerprint) {
      // Not remembered as seen, so the next look reads it again.
      fingerprint = "";
      throw new BridgeError(
        "bundle_unstable",
        `Cannot read bundle "${name}": it changed while it was read`,
      );
    }
    return {
      kind: "bundle",
      bundle: await readBundle(name, bytes, maxBytes * maxExpansion),
      fingerprint,
    };
  } catch (error) {
    if (error instanceof BridgeError) {
      return { kind: "problem", code: error.code, message: error.message, fingerprint };
    }
    const message = `Cannot read bundle "${name}": ${messageOf(error)}`;
    return { kind: "problem", code: "bundle_unreadable", message, fingerprint };
  }
}

function identify(stat: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
