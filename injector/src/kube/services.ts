/**
 * The Services of namespaces in which pods are admitted, listed when such a pod comes: together with
 * them, often enough, so they are kept for a moment only. Only name, selector and ports are kept.
 * They serve warnings, and say what application ports speak, so a pod hardly waits for them: what
 * is not there in time is as it was last, or unknown, and no pod is refused for it.
 */
import * as v from "valibot";
import { messageOf } from "../errors.ts";
import type { ServiceFacts } from "../inject/injection.ts";
import { waitAtMost } from "../loop.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import { apiFailure } from "./failure.ts";
import type { AskApi } from "./request.ts";

export interface Services {
  /** Null: not known. Never rejects. */
  of(namespace: string): Promise<readonly ServiceFacts[] | null>;
}

export interface ServicesDeps {
  readonly ask: AskApi;
  readonly timer: Timer;
  readonly monotonic: () => number;
  readonly log: Log;
}

/** For the pods of one rollout; a Service that is applied right before its pods is not missed. */
const freshMs = 100;
const patienceMs = 250;
const maxNamespaces = 1000;

interface Entry {
  readonly facts: readonly ServiceFacts[] | null;
  readonly askedAt: number;
}

export function createServices({ ask, timer, monotonic, log }: ServicesDeps): Services {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<readonly ServiceFacts[] | null>>();
  let failing = false;

  const load = async (namespace: string): Promise<readonly ServiceFacts[] | null> => {
    const askedAt = monotonic();
    let facts = entries.get(namespace)?.facts ?? null;
    try {
      facts = await listServices(ask, namespace);
      failing = false;
    } catch (error) {
      // Once for all namespaces: when one cannot be listed, the others cannot either.
      if (!failing) log.warn({ namespace, detail: messageOf(error) }, "services not listed");
      failing = true;
    }
    // Put at the end, so that the first is the one that was not asked for the longest.
    entries.delete(namespace);
    entries.set(namespace, { facts, askedAt });
    const [first] = entries.keys();
    if (entries.size > maxNamespaces && first !== undefined) entries.delete(first);
    loading.delete(namespace);
    return facts;
  };
  const loadOnce = (namespace: string): Promise<readonly ServiceFacts[] | null> => {
    const current = loading.get(namespace) ?? load(namespace);
    loading.set(namespace, current);
    return current;
  };

  return {
    of: async (namespace) => {
      const entry = entries.get(namespace);
      if (entry !== undefined && monotonic() - entry.askedAt < freshMs) return entry.facts;
      return (await waitAtMost(loadOnce(namespace), patienceMs, timer)) ?? entry?.facts ?? null;
    },
  };
}

const listSchema = v.object({
  items: v.array(
    v.object({
      metadata: v.object({ name: v.string() }),
      spec: v.object({
        selector: v.nullish(v.record(v.string(), v.string())),
        ports: v.nullish(
          v.array(
            v.object({
              port: v.number(),
              targetPort: v.nullish(v.union([v.number(), v.string()])),
              protocol: v.nullish(v.string()),
              appProtocol: v.nullish(v.string()),
            }),
          ),
        ),
      }),
    }),
  ),
});

export async function listServices(ask: AskApi, namespace: string): Promise<ServiceFacts[]> {
  // From the API server's memory: a Service that was applied just before may be missing, rarely.
  const query = { resourceVersion: "0" };
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/services`;
  try {
    const { items } = v.parse(listSchema, await ask({ method: "GET", path, query }));
    return items.map(({ metadata, spec }) => ({
      name: metadata.name,
      selector: spec.selector ?? {},
      ports: (spec.ports ?? []).map(({ port, targetPort, protocol, appProtocol }) => ({
        port,
        targetPort: targetPort ?? port,
        protocol: protocol ?? "TCP",
        appProtocol: appProtocol ?? null,
      })),
    }));
  } catch (error) {
    throw apiFailure(`list Services of namespace "${namespace}"`, error);
  }
}
