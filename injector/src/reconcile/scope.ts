/** Whose pods an installation counts, and in whose namespaces it may evict. Pure. */
import { isOfRevision, namespaceLabel, revisionLabel } from "../admission/facts.ts";
import type { Namespace } from "../kube/namespaces.ts";

export interface Scope {
  /** As this installation would judge its pods. */
  readonly namespace: Namespace;
  /** New pods come to this installation's webhook. */
  readonly served: boolean;
}

/**
 * An installation with a revision counts its own namespaces. The one without counts those of every
 * revision too: of a revision that nobody serves, nobody else would tell.
 */
export function scopeOf(namespace: Namespace, revision: string): Scope | null {
  const { [revisionLabel]: _, ...labels } = namespace.labels;
  if (labels[namespaceLabel.name] !== namespaceLabel.value) return null;
  if (isOfRevision(namespace.labels, revision)) return { namespace, served: true };
  return revision === "" ? { namespace: { ...namespace, labels }, served: false } : null;
}
