/** One of the other threads, as the main one sees it: from its start to its end. */
import { setImmediate } from "node:timers/promises";
import { Worker, type WorkerOptions } from "node:worker_threads";
import type { AdminAnswer } from "../admin/routes.ts";
import type { Ledger } from "../audit/front.ts";
import type { Commit } from "../audit/sink.ts";
import { AppError } from "../errors.ts";
import { piecesOf, shellOf } from "../evaluation/crossing.ts";
import type { Prepared } from "../evaluation/prepare.ts";
import type { Compared } from "../policy/candidate.ts";
import type { TallyState } from "../telemetry/tally.ts";
import { noSpreadCounts } from "../policy/spread-counts.ts";
import type { Batch, Beginning, Notice, Numbers, Order, SlowQuestion } from "./messages.ts";
import { Pending } from "./pending.ts";
import type { SlowAnswer } from "./slow-lane.ts";

/** Beside this file, which is TypeScript in the tree and part of a bundle in an image. */
const file = import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.mjs";

export type StartWorker = (file: URL, options: WorkerOptions) => Worker;

export const startWorker: StartWorker = (url, options) => new Worker(url, options);

export const memberLimits = {
  /** For taking a set; who takes longer is ended, and begins anew. */
  stageMs: 60_000,
  /** For saying what was counted; who takes longer is shown as it was. */
  lookMs: 1000,
  /** For its end, beyond the time that requests have for theirs. */
  graceMs: 2000,
} as const;

/** What it is served by the main thread. */
export interface MemberServices {
  /** null: there are no records. */
  readonly ledger: Ledger | null;
  readonly writeLine: (lines: string) => void;
  readonly loseSpans: (spans: number) => void;
  readonly evaluate: (question: SlowQuestion) => Promise<SlowAnswer>;
  readonly admin: (path: string) => Promise<AdminAnswer>;
  readonly onCompared: (set: number, compared: Compared) => void;
}

const nothing: Numbers = { ...noSpreadCounts, connections: 0 };

type Question = Extract<Notice, { readonly kind: "commit" | "evaluate" | "admin" }>;

const questions: ReadonlySet<Notice["kind"]> = new Set(["commit", "evaluate", "admin"]);

function isQuestion(notice: Notice): notice is Question {
  return questions.has(notice.kind);
}

export class Member {
  readonly #worker: Worker;
  readonly #services: MemberServices;
  readonly #staging = new Map<number, () => void>();
  readonly #looks = new Pending<undefined>();
  readonly #listening = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<string>();
  #reason = "it was ended";
  #isListening = false;
  #hasEnded = false;
  /** What it said last. */
  numbers: Numbers = nothing;
  tally: TallyState | null = null;

  constructor(beginning: Beginning, services: MemberServices, start: StartWorker) {
    this.#services = services;
    this.#worker = start(new URL(file, import.meta.url), { name: `requests ${beginning.index}` });
    this.#worker.on("message", (notice: Notice) => {
      if (isQuestion(notice)) void this.#serve(notice);
      else this.#take(notice);
    });
    this.#worker.on("error", (error) => {
      this.#reason = error instanceof Error ? error.message : String(error);
    });
    this.#worker.on("exit", () => {
      this.#end();
    });
    // Whoever waits for it is told how it ends.
    this.#listening.promise.catch(() => undefined);
    this.#post({ kind: "begin", ...beginning });
  }

  /** Resolves with the reason, when it has ended by whatever means. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** It accepts connections. */
  get isListening(): boolean {
    return this.#isListening && !this.#hasEnded;
  }

  /** Throws AppError when it cannot. */
  async listen(): Promise<void> {
    this.#post({ kind: "listen" });
    await this.#listening.promise;
  }

  /** Resolves when it can decide by this set, or has ended. */
  async stage(set: number, { contents, image }: Prepared): Promise<void> {
    if (this.#hasEnded) return;
    const staged = new Promise<void>((resolve) => {
      this.#staging.set(set, resolve);
    });
    const timer = setTimeout(() => {
      this.fail("it did not take a policy in time");
    }, memberLimits.stageMs);
    this.#post({ kind: "image", set, contents, image: shellOf(image) });
    for (const piece of piecesOf(image)) {
      this.#post({ kind: "memory", set, ...piece }, [piece.bytes]);
      // Requests are served before the next one.
      await setImmediate();
    }
    this.#post({ kind: "complete", set });
    await staged;
    clearTimeout(timer);
  }

  retire(set: number): void {
    this.#post({ kind: "retire", set });
  }

  switched(): void {
    this.#post({ kind: "switched" });
  }

  /** Brings `numbers` and `tally` up to date, if it answers. */
  async look(): Promise<void> {
    if (this.#hasEnded) return;
    const seen = this.#looks.ask((id) => {
      this.#post({ kind: "look", id });
      setTimeout(() => {
        this.#looks.settle(id, undefined);
      }, memberLimits.lookMs).unref();
    });
    await seen;
  }

  /** Says whether all that was under way finished by itself. Then it is ended. */
  async stop(timeoutMs: number): Promise<boolean> {
    this.#post({ kind: "stop", timeoutMs });
    const timer = setTimeout(() => {
      this.fail("it did not stop in time");
    }, timeoutMs + memberLimits.graceMs);
    const finished = await this.#stopped.promise;
    clearTimeout(timer);
    await this.#worker.terminate();
    return finished;
  }

  hurry(): void {
    this.#post({ kind: "hurry" });
  }

  fail(reason: string): void {
    this.#reason = reason;
    void this.#worker.terminate();
  }

  #post(order: Order, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(order, transfer);
  }

  #end(): void {
    this.#hasEnded = true;
    for (const resolve of this.#staging.values()) resolve();
    this.#staging.clear();
    this.#looks.settleAll(undefined);
    this.#listening.reject(new AppError("thread_failed", `A thread has ended: ${this.#reason}`));
    this.#stopped.resolve(false);
    this.#ended.resolve(this.#reason);
  }

  #take(notice: Exclude<Notice, Question>): void {
    switch (notice.kind) {
      case "staged":
        this.#staging.get(notice.set)?.();
        this.#staging.delete(notice.set);
        return;
      case "unstaged":
        this.fail(`it could not take a policy: ${notice.message}`);
        return;
      case "listening":
        this.#isListening = true;
        this.#listening.resolve();
        return;
      case "failed":
        this.#listening.reject(new AppError(notice.code, notice.message));
        this.fail(notice.message);
        return;
      case "compared":
        this.#services.onCompared(notice.set, notice.compared);
        return;
      case "seen":
        [this.numbers, this.tally] = [notice.numbers, notice.tally];
        this.#looks.settle(notice.id, undefined);
        return;
      case "stopped":
        this.#stopped.resolve(notice.finished);
        return;
      case "batch":
        this.#takeBatch(notice);
        return;
      default:
        notice satisfies never;
    }
  }

  #takeBatch({ records, lines, lostRecords, lostSpans, numbers, size }: Batch): void {
    const { ledger, loseSpans, writeLine } = this.#services;
    this.numbers = numbers;
    if (lines !== "") writeLine(lines);
    if (records !== "") {
      for (const members of records.slice(0, -1).split("\n")) ledger?.write(members);
    }
    if (lostRecords > 0) ledger?.lose(lostRecords, null);
    if (lostSpans > 0) loseSpans(lostSpans);
    this.#post({ kind: "taken", size });
  }

  /** Questions of the thread; each is answered. */
  async #serve(question: Question): Promise<void> {
    const { id } = question;
    switch (question.kind) {
      case "commit":
        this.#post({ kind: "committed", id, commit: await this.#commit(question.members) });
        return;
      case "evaluate":
        this.#post({ kind: "evaluated", id, ...(await this.#services.evaluate(question)) });
        return;
      case "admin":
        this.#post({ kind: "answered", id, answer: await this.#services.admin(question.path) });
        return;
      default:
        question satisfies never;
    }
  }

  async #commit(members: string): Promise<Commit> {
    try {
      return (await this.#services.ledger?.commit(members)) ?? "refused";
    } catch {
      // It may be in the chain.
      return "late";
    }
  }
}
