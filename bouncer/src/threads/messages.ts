/** What the main thread tells the others, and what they tell it. Types only. */
import type { Environment } from "bouncer-environment/table";
import type { AdminAnswer } from "../admin/routes.ts";
import type { Labels } from "../audit/event.ts";
import type { Commit } from "../audit/sink.ts";
import type { Route } from "../config.ts";
import type { FailureCode } from "../errors.ts";
import type { Piece, Shell } from "../evaluation/crossing.ts";
import type { Contents } from "../evaluation/prepare.ts";
import type { ServerLimits } from "../http/message.ts";
import type { Compared } from "../policy/candidate.ts";
import type { SpreadCounts } from "../policy/spread.ts";
import type { Evaluation } from "../rego/engine.ts";
import type { QueryState } from "../rego/query.ts";
import type { TallyState } from "../telemetry/tally.ts";

/** What a thread begins with. */
export interface Beginning {
  /** Of this thread; the main one is 0. */
  readonly index: number;
  readonly threads: number;
  /** See board.ts. */
  readonly board: SharedArrayBuffer;
  /** The configuration is read from it again: not all of it can be posted. */
  readonly environment: Environment;
  /** With the ports that the main thread has found. */
  readonly routes: readonly Route[];
  readonly limits: ServerLimits | undefined;
  readonly version: string;
  /** Of all records of the process; null: there are none. */
  readonly labels: Labels | null;
}

/** Numbers since the thread began, but for those of now. */
export interface Numbers extends SpreadCounts {
  readonly connections: number;
}

export interface SlowQuestion {
  /** Number of the set. */
  readonly set: number;
  readonly input: string;
  readonly query: QueryState;
  readonly budgetMs: number;
  /** Until the deadline: threads have no clock in common. */
  readonly leftMs: number;
}

export type Order =
  | ({ readonly kind: "begin" } & Beginning)
  /** A set of bundles, its memory in pieces; answered by `staged` or `unstaged`. */
  | {
      readonly kind: "image";
      readonly set: number;
      readonly contents: Contents;
      readonly image: Shell;
    }
  | ({ readonly kind: "memory"; readonly set: number } & Piece)
  | { readonly kind: "complete"; readonly set: number }
  /** As soon as all sets before are staged; answered by `listening` or `failed`. */
  | { readonly kind: "listen" }
  /** Another set decides. */
  | { readonly kind: "switched" }
  /** A set decides nothing any more. */
  | { readonly kind: "retire"; readonly set: number }
  /** Answered by `seen`. */
  | { readonly kind: "look"; readonly id: number }
  /** Answered by `stopped`. */
  | { readonly kind: "stop"; readonly timeoutMs: number }
  /** A stop is not to wait any more. */
  | { readonly kind: "hurry" }
  /** A batch was taken over. */
  | { readonly kind: "taken"; readonly size: number }
  | { readonly kind: "committed"; readonly id: number; readonly commit: Commit }
  | {
      readonly kind: "evaluated";
      readonly id: number;
      readonly evaluation: Evaluation;
      readonly query: QueryState;
    }
  | { readonly kind: "answered"; readonly id: number; readonly answer: AdminAnswer };

export interface Batch {
  /** Members of audit records, each on its line. */
  readonly records: string;
  /** Lines of the log. */
  readonly lines: string;
  /** Records, and spans, that could not be handed over. */
  readonly lostRecords: number;
  readonly lostSpans: number;
  readonly numbers: Numbers;
  /** Of records and lines, UTF-16 units. */
  readonly size: number;
}

export type Notice =
  | { readonly kind: "staged"; readonly set: number }
  | { readonly kind: "unstaged"; readonly set: number; readonly message: string }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly code: FailureCode; readonly message: string }
  | ({ readonly kind: "batch" } & Batch)
  | { readonly kind: "compared"; readonly set: number; readonly compared: Compared }
  | {
      readonly kind: "seen";
      readonly id: number;
      readonly numbers: Numbers;
      readonly tally: TallyState;
    }
  | { readonly kind: "stopped"; readonly finished: boolean }
  | { readonly kind: "commit"; readonly id: number; readonly members: string }
  | ({ readonly kind: "evaluate"; readonly id: number } & SlowQuestion)
  | { readonly kind: "admin"; readonly id: number; readonly path: string };
