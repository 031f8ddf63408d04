/** Starts the thread of evaluation, and has new policies prepared in it. */
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { AppError } from "../errors.ts";
import { Arrival } from "./crossing.ts";
import type { Answer, Request } from "./messages.ts";
import type { Preparation, Prepared } from "./prepare.ts";

/** Beside this file, which is TypeScript in the tree and part of a bundle in an image. */
const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.mjs";

export interface Thread {
  post(request: Request): void;
  /** Also when it has ended by itself. */
  end(): void;
}

export interface ThreadListener {
  readonly onAnswer: (answer: Answer) => void;
  /** It has ended, by whatever means; nothing comes any more. */
  readonly onEnd: (reason: string) => void;
}

export function startThread({ onAnswer, onEnd }: ThreadListener): Thread {
  const worker = new Worker(new URL(file, import.meta.url), { name: "evaluation" });
  let reason = "it was ended";
  worker.on("message", onAnswer);
  worker.on("error", (error) => {
    reason = error instanceof Error ? error.message : String(error);
  });
  worker.on("exit", () => onEnd(reason));
  // Neither keeps a process alive that has done its work.
  worker.unref();
  return {
    post: (request) => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not threads
      worker.postMessage(request);
    },
    end: () => {
      void worker.terminate();
    },
  };
}

export type StartThread = (listener: ThreadListener) => Thread;

/** For the largest data on a busy machine; later bundles wait for the one that is prepared. */
export const prepareLimitMs = 120_000;

/**
 * Prepares in a thread of its own, which then ends and gives its memory back. What is left to do
 * here is to copy the policy's memory, in pieces between which requests are served. Throws AppError.
 */
export async function prepareBeside(
  preparation: Preparation,
  start: StartThread = startThread,
): Promise<Prepared> {
  const arrived = Promise.withResolvers<Prepared>();
  const give = (reason: string, cause?: unknown): void => {
    arrived.reject(new AppError("bundle_invalid", `Cannot load bundle: ${reason}`, { cause }));
  };
  let arriving: Arrival | null = null;
  let copying = Promise.resolve();
  const take = (answer: Answer): void => {
    if (answer.kind === "prepared") arriving = new Arrival(answer.contents, answer.image);
    else if (answer.kind === "memory") arriving?.add(answer);
    else if (answer.kind === "complete" && arriving !== null) arrived.resolve(arriving.complete());
    else if (answer.kind === "failed") {
      arrived.reject(new AppError(answer.code, answer.message));
    }
  };
  const thread = start({
    onAnswer: (answer) => {
      // Requests are served before each piece, and nothing overtakes anything.
      const pause = answer.kind === "memory" ? setImmediate : () => undefined;
      copying = copying
        .then(() => pause())
        .then(() => take(answer))
        .catch((error: unknown) => {
          give(error instanceof Error ? error.message : String(error), error);
        });
    },
    onEnd: (reason) => {
      give(`the thread that opened it ended (${reason})`);
    },
  });
  const timer = setTimeout(() => {
    give(`it took longer than ${prepareLimitMs / 1000} seconds`);
  }, prepareLimitMs);
  try {
    thread.post({ kind: "prepare", preparation });
    return await arrived.promise;
  } finally {
    clearTimeout(timer);
    thread.end();
  }
}
