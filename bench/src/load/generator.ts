/** The load generator, a process of its own: takes orders from its parent, answers what it saw. */
import { type Order, type Outcome, run } from "./run.ts";

export type Reply =
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly message: string };

const reply = (message: Reply): void => {
  process.send?.(message);
};

process.on("message", (order: Order) => {
  run(order).then(
    (outcome) => reply({ kind: "done", outcome }),
    (error: unknown) => reply({ kind: "failed", message: String(error) }),
  );
});
// The parent is gone, however that came about.
process.on("disconnect", () => process.exit());
