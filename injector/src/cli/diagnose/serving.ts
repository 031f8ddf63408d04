/** Which installation is responsible for a namespace: revisions are moved by its label. Pure. */
import { revisionLabel } from "../../admission/facts.ts";

/**
 * Null: none is. One whose settings could not be read may be any, so it is taken when it is the
 * only one.
 */
export function findServing<One extends { readonly revision: string | null }>(
  installations: readonly One[],
  labels: Readonly<Record<string, string>>,
): One | null {
  const revision = labels[revisionLabel] ?? "";
  const named = installations.find((one) => one.revision === revision);
  if (named !== undefined) return named;
  const [only, ...more] = installations;
  return only !== undefined && more.length === 0 && only.revision === null ? only : null;
}
