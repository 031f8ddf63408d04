/**
 * Where evaluations go on that took too long to hold up other requests: one after the other, in a
 * thread that is there only while it has work, and that is ended when it does not stop by itself.
 */
import type { Evaluation } from "../rego/engine.ts";
import type { OpenQuery } from "../rego/query.ts";
import type { Answer, Request } from "./messages.ts";
import type { Preparation } from "./prepare.ts";
import { startThread, type StartThread, type Thread } from "./thread.ts";

export interface SlowLane {
  /**
   * Never rejects. From the begin, at most for `budgetMs` of computing, and never much beyond
   * `deadline` (of `performance`).
   */
  evaluate(job: SlowJob): Promise<Evaluation>;
  /** Takes no more jobs, and ends with the last one. */
  close(): void;
}

export interface SlowJob {
  readonly input: string;
  readonly query: OpenQuery;
  readonly budgetMs: number;
  readonly deadline: number;
}

export const slowLaneLimits = {
  /** Waiting; further ones are given up at once. */
  jobs: 32,
  /** The thread and its copy of the policy are kept for so long without work. */
  idleMs: 30_000,
  /** Beyond its deadline, an evaluation that does not end by itself gets so much. */
  graceMs: 1000,
  /** For loading the policy. */
  loadMs: 30_000,
} as const;

type Reply = Exclude<Answer, { kind: "prepared" | "memory" | "complete" }>;

export function createSlowLane(
  preparation: Preparation,
  startOne: StartThread = startThread,
): SlowLane {
  let thread: Thread | null = null;
  let waiting: ((reply: Reply) => void) | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let jobs = 0;
  let idle: NodeJS.Timeout | null = null;
  let closed = false;

  function end(): void {
    thread?.end();
    thread = null;
  }

  function start(): Thread {
    const started = startOne({
      onAnswer: (answer) => {
        const isReply =
          answer.kind === "loaded" || answer.kind === "evaluated" || answer.kind === "failed";
        if (isReply && thread === started) waiting?.(answer);
      },
      onEnd: (reason) => {
        if (thread !== started) return;
        thread = null;
        waiting?.({
          kind: "failed",
          code: "bundle_invalid",
          message: `the thread ended: ${reason}`,
        });
      },
    });
    return started;
  }

  /** null: no answer in time. */
  async function ask(request: Request, withinMs: number): Promise<Reply | null> {
    const { promise, resolve } = Promise.withResolvers<Reply | null>();
    waiting = resolve;
    const timer = setTimeout(resolve, withinMs, null);
    try {
      thread?.post(request);
      return await promise;
    } finally {
      clearTimeout(timer);
      waiting = null;
    }
  }

  async function run({ input, query, budgetMs, deadline }: SlowJob): Promise<Evaluation> {
    if (thread === null) {
      thread = start();
      const loaded = await ask({ kind: "load", preparation }, slowLaneLimits.loadMs);
      if (loaded?.kind !== "loaded") {
        end();
        return loaded?.kind === "failed"
          ? { kind: "error", message: loaded.message }
          : { kind: "timeout" };
      }
    }
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return { kind: "timeout" };
    const request = { kind: "evaluate", input, query: query.save(), budgetMs } as const;
    const reply = await ask(request, leftMs + slowLaneLimits.graceMs);
    if (reply?.kind === "evaluated") {
      query.restore(reply.query);
      return reply.evaluation;
    }
    end();
    return reply?.kind === "failed"
      ? { kind: "error", message: reply.message }
      : { kind: "timeout" };
  }

  /** A thread that could not be started or told is one that is not there. */
  function giveUp(error: unknown): Evaluation {
    end();
    return { kind: "error", message: error instanceof Error ? error.message : String(error) };
  }

  function rest(): void {
    jobs -= 1;
    if (jobs > 0) return;
    if (closed) {
      end();
      return;
    }
    idle = setTimeout(end, slowLaneLimits.idleMs);
    idle.unref();
  }

  return {
    async evaluate(job) {
      if (closed || jobs >= slowLaneLimits.jobs) return { kind: "timeout" };
      if (idle !== null) clearTimeout(idle);
      jobs += 1;
      const turn = queue
        .then(() => run(job))
        .catch(giveUp)
        .finally(rest);
      queue = turn;
      return await turn;
    },
    close() {
      closed = true;
      if (idle !== null) clearTimeout(idle);
      // What is under way may still end.
      if (jobs === 0) end();
    },
  };
}
