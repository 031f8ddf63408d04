/** One look at all pods of the namespaces that count: how many are unprotected, and which. */
import { setImmediate } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import type { Injection } from "../inject/injection.ts";
import type { Namespace } from "../kube/namespaces.ts";
import type { PodStore } from "../kube/pods.ts";
import type { Scope } from "./scope.ts";
import { findUnprotected } from "./unprotected.ts";
import type { UnprotectedPod } from "./unprotected.ts";

export interface PassDeps {
  readonly scopes: readonly Scope[];
  readonly pods: Pick<PodStore, "pages">;
  readonly judge: (pod: unknown, namespace: Namespace) => Injection;
  readonly now: () => number;
  /** Nothing more is looked at when it no longer holds. */
  readonly mayGoOn: () => boolean;
  readonly onUnprotected: (pod: UnprotectedPod, scope: Scope) => void;
}

export interface PassResult {
  /** Unprotected pods by namespace, 0 included; without those that could not be listed. */
  readonly counts: ReadonlyMap<string, number>;
  readonly failures: readonly { readonly namespace: string; readonly detail: string }[];
}

export async function lookAtPods(deps: PassDeps): Promise<PassResult> {
  const counts = new Map<string, number>();
  const failures: { namespace: string; detail: string }[] = [];
  for (const scope of deps.scopes) {
    if (!deps.mayGoOn()) break;
    const { name } = scope.namespace;
    try {
      counts.set(name, await countIn(scope, deps));
    } catch (error) {
      failures.push({ namespace: name, detail: messageOf(error) });
    }
  }
  return { counts, failures };
}

async function countIn(scope: Scope, deps: PassDeps): Promise<number> {
  let count = 0;
  for await (const page of deps.pods.pages(scope.namespace.name)) {
    if (!deps.mayGoOn()) break;
    for (const value of page) {
      const pod = findUnprotected(value, deps.now(), (it) => deps.judge(it, scope.namespace));
      if (pod === null) continue;
      count += 1;
      deps.onUnprotected(pod, scope);
      // To judge a pod takes about a millisecond; admissions come in between.
      await setImmediate();
    }
  }
  return count;
}
