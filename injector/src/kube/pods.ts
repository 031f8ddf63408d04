/** Pods of a namespace, page by page, and their eviction. */
import * as v from "valibot";
import { apiFailure, statusOf } from "./failure.ts";
import type { AskApi } from "./request.ts";

export interface PodStore {
  /** Each page is forgotten before the next is asked for. */
  pages(namespace: string): AsyncGenerator<readonly unknown[]>;
  /** `blocked`: a PodDisruptionBudget forbids it now. `gone`: the pod is another one by now. */
  evict(pod: PodIdentity): Promise<"evicted" | "blocked" | "gone">;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Some hundred KB, which are parsed within a few milliseconds: admissions wait as long. */
const pageSize = "100";
/** Pods that have ended stay listed until somebody deletes them. */
const fieldSelector = "status.phase!=Succeeded,status.phase!=Failed";

const pageSchema = v.object({
  metadata: v.optional(v.object({ continue: v.optional(v.string(), "") }), {}),
  items: v.array(v.unknown()),
});

export function createPodStore(ask: AskApi): PodStore {
  return {
    async *pages(namespace) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      let token = "";
      do {
        const query = {
          limit: pageSize,
          fieldSelector,
          ...(token === "" ? {} : { continue: token }),
        };
        const page = await readPage(ask, path, query);
        yield page.items;
        token = page.metadata.continue ?? "";
      } while (token !== "");
    },
    evict: async ({ namespace, name, uid }) => {
      const [space, pod] = [namespace, name].map(encodeURIComponent);
      const path = `/api/v1/namespaces/${space}/pods/${pod}/eviction`;
      // A StatefulSet's next pod has the same name, and is not the one that was looked at.
      const deleteOptions = { preconditions: { uid } };
      const metadata = { name, namespace };
      const body = { apiVersion: "policy/v1", kind: "Eviction", metadata, deleteOptions };
      try {
        await ask({ method: "POST", path, body });
        return "evicted";
      } catch (error) {
        const status = statusOf(error);
        if (status === 429) return "blocked";
        if (status === 404 || status === 409) return "gone";
        throw apiFailure(`evict pod "${namespace}/${name}"`, error);
      }
    },
  };
}

async function readPage(
  ask: AskApi,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<v.InferOutput<typeof pageSchema>> {
  try {
    return v.parse(pageSchema, await ask({ method: "GET", path, query }));
  } catch (error) {
    throw apiFailure(`list ${path}`, error);
  }
}
