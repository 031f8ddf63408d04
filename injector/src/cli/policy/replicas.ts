/** What each replica of a bridge answers on its admin port, reached through the API server. */
import { type FleetDescription, fleetSchema } from "bouncer-bridge/view";
import * as v from "valibot";
import { messageOf } from "../../errors.ts";
import { apiFailure } from "../../kube/failure.ts";
import type { AskApi } from "../../kube/request.ts";

export interface Bridge {
  readonly namespace: string;
  readonly service: string;
}

export interface Replica {
  /** `bouncer-system/bouncer-injector-bridge-6b7f9`. */
  readonly pod: string;
  /** Null: it could not be asked. */
  readonly fleet: FleetDescription | null;
  readonly problem: string | null;
}

const adminPort = 9090;

const serviceSchema = v.object({
  spec: v.object({ selector: v.optional(v.record(v.string(), v.string()), {}) }),
});
const podsSchema = v.object({
  items: v.array(
    v.object({
      metadata: v.object({ name: v.string(), deletionTimestamp: v.optional(v.string()) }),
      status: v.optional(v.object({ phase: v.optional(v.string()) })),
    }),
  ),
});

/** Rejects with an InjectorError when the pods of the bridge cannot be found at all. */
export async function readReplicas(ask: AskApi, bridge: Bridge): Promise<readonly Replica[]> {
  const names = await listPods(ask, bridge);
  return await Promise.all(names.map((name) => readReplica(ask, bridge.namespace, name)));
}

async function listPods(ask: AskApi, { namespace, service }: Bridge): Promise<readonly string[]> {
  const space = encodeURIComponent(namespace);
  const path = `/api/v1/namespaces/${space}/services/${encodeURIComponent(service)}`;
  try {
    const { selector } = v.parse(serviceSchema, await ask({ method: "GET", path })).spec;
    const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
    const query = { labelSelector: labels.join(",") };
    const pods = await ask({ method: "GET", path: `/api/v1/namespaces/${space}/pods`, query });
    return v
      .parse(podsSchema, pods)
      .items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter(({ status }) => status?.phase === "Running")
      .map(({ metadata }) => metadata.name);
  } catch (error) {
    throw apiFailure(`list the pods of bridge "${namespace}/${service}"`, error);
  }
}

async function readReplica(ask: AskApi, namespace: string, name: string): Promise<Replica> {
  const pod = `${namespace}/${name}`;
  const [space, target] = [namespace, `${name}:${adminPort}`].map(encodeURIComponent);
  const path = `/api/v1/namespaces/${space}/pods/${target}/proxy/v1/bouncers`;
  try {
    const parsed = v.safeParse(fleetSchema, await ask({ method: "GET", path }));
    if (parsed.success) return { pod, fleet: parsed.output, problem: null };
    return { pod, fleet: null, problem: "it answers as another version would" };
  } catch (error) {
    return { pod, fleet: null, problem: messageOf(apiFailure(`ask bridge "${pod}"`, error)) };
  }
}
