/** What the thread of evaluation is told and tells. Types only. */
import type { FailureCode } from "../errors.ts";
import type { Evaluation } from "../rego/engine.ts";
import type { QueryState } from "../rego/query.ts";
import type { Piece, Shell } from "./crossing.ts";
import type { Contents, Preparation } from "./prepare.ts";

export type Request =
  /** Answered by `prepared`, the memory in pieces, and `complete`; or by `failed`. */
  | { readonly kind: "prepare"; readonly preparation: Preparation }
  /** From now on, evaluations are of this policy; answered by `loaded` or `failed`. */
  | { readonly kind: "load"; readonly preparation: Preparation }
  | {
      readonly kind: "evaluate";
      readonly input: string;
      readonly query: QueryState;
      /** Milliseconds of computing. */
      readonly budgetMs: number;
    };

export type Answer =
  | { readonly kind: "prepared"; readonly contents: Contents; readonly image: Shell }
  | ({ readonly kind: "memory" } & Piece)
  | { readonly kind: "complete" }
  | { readonly kind: "loaded" }
  | { readonly kind: "failed"; readonly code: FailureCode; readonly message: string }
  | {
      readonly kind: "evaluated";
      readonly evaluation: Evaluation;
      readonly query: QueryState;
    };
