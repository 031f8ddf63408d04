/** Labels and annotations of namespaces: from a cache that follows the API server, or asked anew. */
import * as v from "valibot";
import { apiFailure, statusOf } from "./failure.ts";
import { createAskApi } from "./request.ts";
import { follow } from "./watch.ts";
import type { FollowDeps } from "./watch.ts";

export interface Namespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Namespaces {
  /** From the cache; undefined when it is not there, which may mean: not yet. */
  cached(name: string): Namespace | undefined;
  /** All of the cache. */
  list(): Namespace[];
  /** From the API server; null when there is no such namespace. */
  read(name: string): Promise<Namespace | null>;
  isSynced(): boolean;
  close(): Promise<void>;
}

const path = "/api/v1/namespaces";

export function createNamespaces(deps: FollowDeps): Namespaces {
  const ask = createAskApi(deps.apiServer);
  const followed = follow({ ...deps, path, pick: toNamespace });
  return {
    cached: (name) => followed.get(name),
    list: () => followed.list(),
    read: async (name) => {
      try {
        const one = `${path}/${encodeURIComponent(name)}`;
        return toNamespace(await ask({ method: "GET", path: one }));
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw apiFailure(`read namespace "${name}"`, error);
      }
    },
    isSynced: () => followed.isSynced(),
    close: () => followed.close(),
  };
}

const strings = v.nullish(v.record(v.string(), v.string()));
const namespaceSchema = v.object({
  metadata: v.object({ name: v.string(), labels: strings, annotations: strings }),
});

function toNamespace(object: unknown): Namespace {
  const { name, labels, annotations } = v.parse(namespaceSchema, object).metadata;
  return { name, labels: labels ?? {}, annotations: annotations ?? {} };
}
