/** What the thread of evaluation is told and tells. Types, and how an image crosses. */
import type { FailureCode } from "../errors.ts";
import type { Evaluation } from "../rego/engine.ts";
import type { Image } from "../rego/image.ts";
import type { QueryState } from "../rego/query.ts";
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
  | { readonly kind: "memory"; readonly address: number; readonly bytes: ArrayBuffer }
  | { readonly kind: "complete" }
  | { readonly kind: "loaded" }
  | { readonly kind: "failed"; readonly code: FailureCode; readonly message: string }
  | {
      readonly kind: "evaluated";
      readonly evaluation: Evaluation;
      readonly query: QueryState;
    };

/** An image without its memory, which cannot be posted: its bytes are copied piece by piece. */
export interface Shell extends Omit<Image, "memory"> {
  readonly pages: number;
}

/** Copying a piece of this size takes a fraction of a millisecond. */
export const pieceBytes = 1024 * 1024;
