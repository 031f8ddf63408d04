/**
 * A list that follows the API server: listed, then watched from there on. When the watch ends, it
 * goes on from the last version; when that is forgotten or something was not understood, a list
 * comes first. What is known stays known meanwhile.
 */
import type { Timer } from "../loop.ts";
import type { ApiServer } from "./api-server.ts";
import { apiFailure, statusOf } from "./failure.ts";
import { createAskApi, openApi } from "./request.ts";
import { createLineReader } from "./watch-lines.ts";
import { applyLine, applyPages, beginAnew, createState, gone, parsePage } from "./watch-state.ts";
import type { Page, Pick } from "./watch-state.ts";

export interface FollowDeps {
  readonly apiServer: ApiServer;
  readonly onError: (error: unknown) => void;
  readonly timer: Timer;
}

export interface FollowOptions<T> extends FollowDeps {
  /** `/api/v1/namespaces`. */
  readonly path: string;
  /** `metadata.name=x`. */
  readonly fieldSelector?: string;
  readonly pick: Pick<T>;
  readonly onChange?: () => void;
}

export interface Followed<T> {
  get(name: string): T | undefined;
  list(): T[];
  /** Listed at least once. */
  isSynced(): boolean;
  close(): Promise<void>;
}

const pageSize = "500";
/** The API server ends a watch after so long, and tells of its version before. */
const watchSeconds = 240;
/** Nothing for so long is a connection that was lost without a sign. */
const stallMs = (watchSeconds + 15) * 1000;
/** etcd takes no object of more than 1.5 MB. */
const maxLineBytes = 8 * 1024 * 1024;
const retryMs = 1000;
const maxRetryMs = 10_000;

/** How a watch came to its end; `failed` was told already. */
type Ending = "closed" | "expired" | "failed";

export function follow<T>(options: FollowOptions<T>): Followed<T> {
  const { apiServer, path, pick, timer, onChange } = options;
  const ask = createAskApi(apiServer);
  const selector =
    options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector };
  const closing = new AbortController();
  let state = createState<T>();
  let synced = false;
  /** Whether the last watch brought anything: only then it is worth to go on at once. */
  let lively = false;
  let wake: (() => void) | null = null;

  const list = async (): Promise<string | null> => {
    const pages: Page<T>[] = [];
    let next = "";
    do {
      const query = { ...selector, limit: pageSize, ...(next === "" ? {} : { continue: next }) };
      const answer = await ask({ method: "GET", path, query, signal: closing.signal });
      const page = parsePage(answer, pick);
      pages.push(page);
      next = page.next;
    } while (next !== "");
    state = applyPages(pages);
    synced = true;
    onChange?.();
    return state.version;
  };

  const watch = async (resourceVersion: string, stall: Stall): Promise<Ending> => {
    const query = {
      ...selector,
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(watchSeconds),
      resourceVersion,
    };
    const signal = AbortSignal.any([closing.signal, stall.signal]);
    const { body } = await openApi(apiServer, { method: "GET", path, query }, signal);
    const lines = createLineReader(maxLineBytes);
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      stall.restart();
      for (const line of readLines(lines.push, piece)) {
        const step = applyLine(state, line, pick);
        state = step.state;
        if (step.kind === "failed") throw step.error;
        if (step.kind === "expired") return "expired";
        lively = true;
        if (step.kind === "changed") onChange?.();
      }
    }
    return "closed";
  };
  const readLines = (push: (piece: Uint8Array) => string[], piece: Uint8Array): string[] => {
    try {
      return push(piece);
    } catch (error) {
      state = beginAnew(state);
      throw error;
    }
  };

  const attempt = async (): Promise<Ending> => {
    const stall = createStall(timer);
    lively = false;
    try {
      const version = state.version ?? (await list());
      stall.restart();
      return version === null ? "expired" : await watch(version, stall);
    } catch (error) {
      // What the API server refuses may be the version.
      if (statusOf(error) !== null) state = beginAnew(state);
      if (statusOf(error) === gone) return "expired";
      if (closing.signal.aborted) return "closed";
      options.onError(apiFailure(`follow ${path}`, stall.reason() ?? error));
      return "failed";
    } finally {
      stall.cancel();
    }
  };

  const pause = (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = timer.after(ms, resolve);
    wake = () => {
      cancel();
      resolve();
    };
    return promise;
  };

  const run = async (): Promise<void> => {
    let inVain = 0;
    while (!closing.signal.aborted) {
      const ending = await attempt();
      inVain = lively || ending === "closed" ? 0 : inVain + 1;
      if (closing.signal.aborted || (lively && ending !== "failed")) continue;
      await pause(Math.min(retryMs * 2 ** Math.max(0, inVain - 1), maxRetryMs));
    }
  };

  const running = run();
  return {
    get: (name) => state.objects.get(name),
    list: () => [...state.objects.values()],
    isSynced: () => synced,
    close: async () => {
      closing.abort();
      wake?.();
      await running;
    },
  };
}

interface Stall {
  readonly signal: AbortSignal;
  restart(): void;
  cancel(): void;
  /** Null: there was none. */
  reason(): Error | null;
}

function createStall(timer: Timer): Stall {
  const controller = new AbortController();
  let cancel: (() => void) | null = null;
  return {
    signal: controller.signal,
    restart: () => {
      cancel?.();
      cancel = timer.after(stallMs, () => controller.abort());
    },
    cancel: () => cancel?.(),
    reason: () =>
      controller.signal.aborted ? new Error(`nothing came for ${stallMs / 1000} seconds`) : null,
  };
}
