/** Starts the thread of evaluation, and has new policies prepared in it. */
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { AppError } from "../errors.ts";
import type { Answer, Request, Shell } from "./messages.ts";
import type { Contents, Preparation, Prepared } from "./prepare.ts";

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

interface Arriving {
  readonly contents: Contents;
  readonly shell: Shell;
  readonly memory: WebAssembly.Memory;
}

/**
 * Prepares in a thread of its own, which then ends and gives its memory back. What is left to do
 * here is to copy the policy's memory, in pieces between which requests are served.
 */
export async function prepareBeside(preparation: Preparation): Promise<Prepared> {
  const arrived = Promise.withResolvers<Prepared>();
  let arriving: Arriving | null = null;
  let copying = Promise.resolve();
  const copy = (address: number, bytes: ArrayBuffer): void => {
    if (arriving === null) return;
    new Uint8Array(arriving.memory.buffer).set(new Uint8Array(bytes), address);
  };
  const complete = ({ contents, shell, memory }: Arriving): void => {
    const { pages: _, ...image } = shell;
    arrived.resolve({ contents, image: { ...image, memory } });
  };
  const thread = startThread({
    onAnswer: (answer) => {
      if (answer.kind === "prepared") {
        const { contents, image: shell } = answer;
        const { pages, maximumPages } = shell;
        const memory = new WebAssembly.Memory({ initial: pages, maximum: maximumPages });
        arriving = { contents, shell, memory };
      } else if (answer.kind === "memory") {
        copying = copying.then(() => setImmediate()).then(() => copy(answer.address, answer.bytes));
      } else if (answer.kind === "complete") {
        copying = copying.then(() => (arriving === null ? undefined : complete(arriving)));
      } else if (answer.kind === "failed") {
        arrived.reject(new AppError(answer.code, answer.message));
      }
    },
    onEnd: (reason) => {
      const message = `Cannot load bundle: the thread that opened it ended (${reason})`;
      arrived.reject(new AppError("bundle_invalid", message));
    },
  });
  try {
    thread.post({ kind: "prepare", preparation });
    return await arrived.promise;
  } finally {
    thread.end();
  }
}
