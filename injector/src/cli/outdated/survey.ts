/** Finds outdated pods of namespaces, and what makes them. Reads only. */
import * as v from "valibot";
import { namespaceLabel } from "../../admission/facts.ts";
import type { ClusterFacts } from "../../inject/injection.ts";
import { apiFailure, statusOf } from "../../kube/failure.ts";
import type { PodStore } from "../../kube/pods.ts";
import type { AskApi } from "../../kube/request.ts";
import { findServing } from "../diagnose/serving.ts";
import { InputError } from "../failure.ts";
import type { Installation } from "../installation.ts";
import { judgePod, type Judging } from "./judge.ts";
import type { Survey } from "./report.ts";
import {
  controllerOf,
  identifyPod,
  mayBeOwned,
  type OutdatedPod,
  type Ref,
  type Workload,
} from "./workload.ts";

export interface SurveyDeps {
  readonly ask: AskApi;
  readonly pods: Pick<PodStore, "pages">;
  readonly installations: readonly Installation[];
  readonly cluster: ClusterFacts;
  /** Of this program. */
  readonly version: string;
  readonly createAdminToken: () => string;
  readonly warn: (line: string) => void;
}

const namespaceSchema = v.object({
  metadata: v.object({
    name: v.string(),
    labels: v.nullish(v.record(v.string(), v.string())),
    annotations: v.nullish(v.record(v.string(), v.string())),
  }),
});
const namespacesSchema = v.object({ items: v.array(namespaceSchema) });

/** As it is injected by. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `name` null: all that have the label. */
export async function readNamespaces(ask: AskApi, name: string | null): Promise<NamespaceFacts[]> {
  try {
    if (name !== null) {
      const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
      return [toFacts(v.parse(namespaceSchema, await ask({ method: "GET", path })))];
    }
    const query = { labelSelector: `${namespaceLabel.name}=${namespaceLabel.value}` };
    const answer = await ask({ method: "GET", path: "/api/v1/namespaces", query });
    return v.parse(namespacesSchema, answer).items.map(toFacts);
  } catch (error) {
    if (name !== null && statusOf(error) === 404) {
      throw new InputError([`Cannot read namespace "${name}": it is not there`]);
    }
    throw apiFailure(name === null ? "list namespaces" : `read namespace "${name}"`, error);
  }
}

function toFacts({ metadata }: v.InferOutput<typeof namespaceSchema>): NamespaceFacts {
  const { name, labels, annotations } = metadata;
  return { name, labels: labels ?? {}, annotations: annotations ?? {} };
}

export async function surveyNamespaces(
  namespaces: readonly NamespaceFacts[],
  deps: SurveyDeps,
): Promise<Survey> {
  const surveys: Survey[] = [];
  // One after the other: pages of pods are large, and nobody waits for seconds.
  for (const namespace of namespaces) {
    const judging = judgingOf(namespace, deps);
    if (judging !== null) surveys.push(await surveyNamespace(namespace.name, judging, deps));
  }
  return {
    compared: surveys.reduce((sum, { compared }) => sum + compared, 0),
    workloads: surveys.flatMap(({ workloads }) => workloads),
  };
}

/** Null: nobody injects there, or nothing is known about how. */
function judgingOf(namespace: NamespaceFacts, deps: SurveyDeps): Judging | null {
  const serving = findServing(deps.installations, namespace.labels);
  const { name } = namespace;
  if (serving === null) {
    if (namespace.labels[namespaceLabel.name] === namespaceLabel.value) {
      deps.warn(
        `namespace "${name}": no installation serves its revision, so it was not looked at`,
      );
    }
    return null;
  }
  if (serving.settings === null || serving.version === null) {
    throw new InputError([
      `Cannot compare pods with installation "${serving.namespace}/${serving.name}"`,
      ...serving.problems,
    ]);
  }
  const context = {
    settings: serving.settings,
    namespace,
    cluster: deps.cluster,
    injectorNamespace: serving.namespace,
    adminToken: deps.createAdminToken(),
    version: serving.version,
  };
  return { context, isSameVersion: serving.version === deps.version };
}

interface Found {
  readonly pod: OutdatedPod;
  readonly ref: Ref;
}

async function surveyNamespace(
  namespace: string,
  judging: Judging,
  deps: SurveyDeps,
): Promise<Survey> {
  let compared = 0;
  const found: Found[] = [];
  for await (const page of deps.pods.pages(namespace)) {
    for (const value of page) {
      const identity = identifyPod(value);
      if (identity === null) continue;
      compared += 1;
      const reasons = judgePod(value, judging);
      if (reasons.length === 0) continue;
      const { controller, ...pod } = identity;
      const itself = { apiVersion: "v1", kind: "Pod", name: pod.name };
      found.push({ pod: { ...pod, reasons }, ref: controller ?? itself });
    }
  }
  return { compared, workloads: await groupByTop(namespace, found, deps.ask) };
}

const keyOf = ({ apiVersion, kind, name }: Ref) => `${apiVersion} ${kind} ${name}`;

/** ReplicaSet -> Deployment, Job -> CronJob; each is asked for once. */
async function groupByTop(
  namespace: string,
  found: readonly Found[],
  ask: AskApi,
): Promise<Workload[]> {
  const tops = new Map<string, Ref>();
  for (const { ref } of found) {
    if (!tops.has(keyOf(ref))) tops.set(keyOf(ref), await findTop(namespace, ref, ask));
  }
  const groups = Map.groupBy(found, ({ ref }) => keyOf(tops.get(keyOf(ref)) ?? ref));
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const ref = tops.get(keyOf(first.ref)) ?? first.ref;
    return [{ namespace, ref, pods: members.map(({ pod }) => pod) }];
  });
}

async function findTop(namespace: string, ref: Ref, ask: AskApi): Promise<Ref> {
  if (!mayBeOwned(ref)) return ref;
  const object = await readObject(namespace, ref, ask);
  return controllerOf(object) ?? ref;
}

/** Null: it is not there (any more). */
export async function readObject(namespace: string, ref: Ref, ask: AskApi): Promise<unknown> {
  const { apiVersion, kind, name } = ref;
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const [space, object] = [namespace, name].map(encodeURIComponent);
  try {
    const path = `${root}/namespaces/${space}/${kind.toLowerCase()}s/${object}`;
    return await ask({ method: "GET", path });
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw apiFailure(`read ${kind} "${namespace}/${name}"`, error);
  }
}
