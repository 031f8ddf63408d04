/**
 * Tells when a mounted directory may have changed. The kubelet swaps a symlink (`..data`), which
 * inotify reports for the directory itself; network volumes report nothing, hence the slow poll.
 */
import { watch, type FSWatcher } from "node:fs";

export interface Watch {
  close(): void;
}

/** A burst of events (a swap, a copy) becomes one call. */
const settleMs = 50;

export function watchDirectory(path: string, onMaybeChanged: () => void, pollMs: number): Watch {
  let settling: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;

  const notify = (): void => {
    settling ??= setTimeout(() => {
      settling = undefined;
      onMaybeChanged();
    }, settleMs);
  };
  const drop = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const attach = (): void => {
    if (watcher !== undefined) return;
    try {
      watcher = watch(path, { persistent: false }, notify);
      watcher.on("error", drop);
    } catch {
      // Not there yet, or no inotify: the poll attaches again.
    }
  };

  attach();
  const poll = setInterval(() => {
    // A directory that was removed and made again has a new inode; the old watch is silent.
    drop();
    attach();
    onMaybeChanged();
  }, pollMs);
  poll.unref();

  return {
    close() {
      clearInterval(poll);
      clearTimeout(settling);
      drop();
    },
  };
}
