/** One look at all pods of the namespaces that count: how many have no bouncer, and which. */
import { setImmediate } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import type { Injection } from "../inject/injection.ts";
import type { Namespace } from "../kube/namespaces.ts";
import type { PodStore } from "../kube/pods.ts";
import type { LeftOutCode } from "./left-out.ts";
import type { Scope } from "./scope.ts";
import { classifyPod } from "./unprotected.ts";
import type { Finding } from "./unprotected.ts";

export interface PassDeps {
  readonly scopes: readonly Scope[];
  readonly pods: Pick<PodStore, "pages">;
  readonly judge: (pod: unknown, namespace: Namespace) => Injection;
  readonly now: () => number;
  /** Nothing more is looked at when it no longer holds. */
  readonly mayGoOn: () => boolean;
  readonly onFound: (finding: Finding, scope: Scope) => void;
}

/** Of one namespace. */
export interface PodCounts {
  readonly unprotected: number;
  readonly leftOut: Readonly<Record<LeftOutCode, number>>;
}

export interface PassResult {
  /** By namespace, 0 included; without those that could not be listed. */
  readonly counts: ReadonlyMap<string, PodCounts>;
  readonly failures: readonly { readonly namespace: string; readonly detail: string }[];
}

export async function lookAtPods(deps: PassDeps): Promise<PassResult> {
  const counts = new Map<string, PodCounts>();
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

async function countIn(scope: Scope, deps: PassDeps): Promise<PodCounts> {
  let unprotected = 0;
  const leftOut = { never_selected: 0, opted_out: 0, host_network: 0, windows: 0 };
  for await (const page of deps.pods.pages(scope.namespace.name)) {
    if (!deps.mayGoOn()) break;
    for (const value of page) {
      const found = classifyPod(value, deps.now(), (it) => deps.judge(it, scope.namespace));
      if (found === null) continue;
      if (found.kind === "unprotected") unprotected += 1;
      else leftOut[found.pod.code] += 1;
      deps.onFound(found, scope);
      // To judge a pod takes about a millisecond; admissions come in between.
      await setImmediate();
    }
  }
  return { unprotected, leftOut };
}
