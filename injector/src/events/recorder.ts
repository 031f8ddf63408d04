/**
 * Writes Events off the path of admissions: what is recorded waits in a bounded queue, and one is
 * written after the other. Nobody waits for an Event, and none is worth more than a few attempts:
 * those that do not fit or cannot be written are dropped and counted.
 */
import { messageOf } from "../errors.ts";
import { isTransient } from "../kube/failure.ts";
import { waitAtMost } from "../loop.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import type { EventDraft, ObjectReference } from "./event.ts";
import { createRecent } from "./recent.ts";

export type EventResult = "written" | "repeated" | "dropped" | "failed";

export interface RecorderDeps {
  readonly write: (draft: EventDraft) => Promise<void>;
  /** The Deployment of a ReplicaSet and the like. Never rejects. */
  readonly findTopOwner: (about: ObjectReference) => Promise<ObjectReference>;
  readonly count: (result: EventResult) => void;
  readonly monotonic: () => number;
  readonly timer: Timer;
  readonly log: Log;
}

export interface Recorder {
  /** Returns at once, and never throws. */
  record(draft: EventDraft): void;
  /** Writes what waits, for `timeoutMs` at most. */
  close(timeoutMs: number): Promise<void>;
}

const maxWaiting = 1000;
const attempts = 3;
const retryMs = 1000;
const windowMs = 10 * 60_000;
const maxKeys = 10_000;

export function createRecorder(deps: RecorderDeps): Recorder {
  const { count, log, monotonic, timer } = deps;
  const queue: EventDraft[] = [];
  const recorded = createRecent(windowMs, maxKeys);
  const written = createRecent(windowMs, maxKeys);
  const closing = Promise.withResolvers<void>();
  let isClosing = false;
  let working: Promise<void> | null = null;

  const pause = (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = timer.after(ms, resolve);
    return Promise.race([promise, closing.promise]).finally(cancel);
  };

  const attempt = async (draft: EventDraft): Promise<void> => {
    for (let left = attempts - 1; ; left -= 1) {
      try {
        await deps.write(draft);
        return;
      } catch (error) {
        if (left === 0 || isClosing || !isTransient(error)) throw error;
        await pause(retryMs * (attempts - left));
      }
    }
  };

  const write = async (given: EventDraft): Promise<void> => {
    const draft = { ...given, about: await deps.findTopOwner(given.about) };
    // Each rollout has a ReplicaSet of its own; what is told of their Deployment is the same.
    if (written.see(keyOf(draft), monotonic())) {
      count("repeated");
      return;
    }
    try {
      await attempt(draft);
      count("written");
    } catch (error) {
      count("failed");
      const { namespace, kind, name } = draft.about;
      const detail = messageOf(error);
      log.warn({ namespace, kind, name, reason: draft.reason, detail }, "event not written");
    }
  };

  const work = async (): Promise<void> => {
    for (let draft = queue.shift(); draft !== undefined; draft = queue.shift()) {
      await write(draft);
    }
    working = null;
  };

  return {
    record: (draft) => {
      if (isClosing || queue.length >= maxWaiting) {
        count("dropped");
        return;
      }
      if (recorded.see(keyOf(draft), monotonic())) {
        count("repeated");
        return;
      }
      queue.push(draft);
      working ??= Promise.resolve().then(work);
    },
    close: async (timeoutMs) => {
      isClosing = true;
      closing.resolve();
      await waitAtMost(working ?? Promise.resolve(), timeoutMs, timer);
      for (let left = queue.splice(0).length; left > 0; left -= 1) count("dropped");
    },
  };
}

function keyOf({ about, code, reason }: EventDraft): string {
  return JSON.stringify([about.kind, about.namespace, about.name, about.uid, reason, code]);
}
