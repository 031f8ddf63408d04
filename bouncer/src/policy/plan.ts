/** From opened bundles to what of a request their policy gets to see. Pure. */
import { AppError } from "../errors.ts";
import type { Prepared } from "../evaluation/prepare.ts";
import { type InputPlan, planInput } from "./fields.ts";

/** Throws AppError for a declaration that is not understood. */
export function plannedFrom({ contents }: Pick<Prepared, "contents">): InputPlan {
  const planned = planInput(contents.inputFields, contents.mentioned);
  if (planned.kind === "plan") return planned.plan;
  throw new AppError(
    "bundle_invalid",
    `Cannot read .manifest: metadata.bouncer.input has "${planned.field}", accepted are ${planned.known.join(", ")}`,
  );
}
