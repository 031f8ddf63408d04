/**
 * Gathers the facts of one pod: from the pod object, by way of the API server's pod proxy, and from
 * logs. Whatever may not be read, or does not answer, is a fact that is missing and says why; only
 * a pod that cannot be read at all is a failure.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import * as v from "valibot";
import { messageOf } from "../../errors.ts";
import type { ServiceFacts } from "../../inject/injection.ts";
import { checkPod } from "../../inject/kubernetes.ts";
import { apiFailure, statusOf } from "../../kube/failure.ts";
import { fromKubeConfig } from "../../kube/kube-config.ts";
import { type AskApi, createAskApi } from "../../kube/request.ts";
import { listServices } from "../../kube/services.ts";
import { InputError } from "../failure.ts";
import { readInstallations } from "../installation.ts";
import { askPorts, openBouncer, readDiagnosis, readPolicy } from "./bouncer.ts";
import { type Asked, known, missing } from "./checks.ts";
import { type Facts, isRedirected } from "./facts.ts";
import { readLogs } from "./logs.ts";
import { gatherPodFacts, type PodFacts } from "./pod.ts";
import { createAskPod } from "./proxy.ts";
import { findServing } from "./serving.ts";

export interface Place {
  readonly kubeConfig: KubeConfig;
  readonly namespace: string;
  readonly name: string;
}

const segment = encodeURIComponent;
const inNamespace = (namespace: string) => `/api/v1/namespaces/${segment(namespace)}`;

export async function readPod({ kubeConfig, namespace, name }: Place): Promise<PodFacts> {
  const ask = createAskApi(fromKubeConfig(kubeConfig));
  const what = `pod "${namespace}/${name}"`;
  const path = `${inNamespace(namespace)}/pods/${segment(name)}`;
  const value = await ask({ method: "GET", path }).catch((error: unknown) => {
    if (statusOf(error) === 404) throw new InputError([`Cannot read ${what}: it is not there`]);
    throw apiFailure(`read ${what}`, error);
  });
  const checked = checkPod(value);
  if (!checked.ok) throw new InputError(checked.problems.map((problem) => `${what}: ${problem}`));
  return { ...gatherPodFacts(checked.pod, value), namespace, name };
}

export interface Reading {
  readonly place: Place;
  readonly userAgent: string;
  readonly now: () => number;
}

export async function readFacts(pod: PodFacts, reading: Reading): Promise<Facts> {
  const { place, userAgent, now } = reading;
  const ask = createAskApi(fromKubeConfig(place.kubeConfig));
  const bouncer = openBouncer(pod, createAskPod(place.kubeConfig, userAgent));
  const { pullSecrets, tlsSecret } = pod;
  const tlsSecrets = tlsSecret === null ? [] : [tlsSecret];
  const [installed, logs, absentSecrets, absentTls, services] = await Promise.all([
    readInstalled(place, ask),
    readLogs(pod, place.kubeConfig),
    findAbsentSecrets(pod, pullSecrets, ask),
    findAbsentSecrets(pod, tlsSecrets, ask),
    isRedirected(pod) ? known([]) : readServices(pod.namespace, ask),
  ]);
  const diagnosis = await readDiagnosis(pod, bouncer);
  const policy =
    diagnosis.kind === "known" ? known(diagnosis.value.policy) : await readPolicy(bouncer, now);
  const ports = await askPorts(pod, bouncer);
  const hasCertificate =
    absentTls.kind === "missing" ? absentTls : known(absentTls.value.length === 0);
  const seen = { installed, logs, absentSecrets, hasCertificate, services };
  return { pod, ...seen, diagnosis, policy, ports };
}

async function readInstalled(
  { kubeConfig, namespace }: Place,
  ask: AskApi,
): Promise<Asked<string>> {
  try {
    const installations = await readInstallations(kubeConfig);
    if (installations.length === 0) {
      return missing("no installation was found in the cluster", "kubectl bouncer check says more");
    }
    const serving = findServing(installations, await readLabels(namespace, ask));
    if (serving === null) {
      return missing(
        "no installation serves the revision of the namespace",
        `kubectl get namespace ${namespace} --show-labels`,
      );
    }
    if (serving.version !== null) return known(serving.version);
    return missing(serving.problems.join("; "), "kubectl bouncer check says more");
  } catch (error) {
    return missing(messageOf(error), "kubectl bouncer check says more");
  }
}

const namespaceSchema = v.object({
  metadata: v.object({ labels: v.nullish(v.record(v.string(), v.string())) }),
});

async function readLabels(namespace: string, ask: AskApi) {
  const answer = await ask({ method: "GET", path: inNamespace(namespace) }).catch(
    (error: unknown) => {
      throw apiFailure(`read namespace "${namespace}"`, error);
    },
  );
  return v.parse(namespaceSchema, answer).metadata.labels ?? {};
}

/** Only that they exist: the content of a Secret is not asked for. */
async function findAbsentSecrets(
  pod: PodFacts,
  names: readonly string[],
  ask: AskApi,
): Promise<Asked<readonly string[]>> {
  const accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
  try {
    const absent = await Promise.all(
      names.map(async (name) => {
        const path = `${inNamespace(pod.namespace)}/secrets/${segment(name)}`;
        const found = await ask({ method: "GET", path, accept }).then(
          () => true,
          (error: unknown) => {
            if (statusOf(error) === 404) return false;
            throw apiFailure(`read Secret "${name}"`, error);
          },
        );
        return found ? [] : [name];
      }),
    );
    return known(absent.flat());
  } catch (error) {
    const next = `Needed is the permission to get secrets in namespace "${pod.namespace}"`;
    return missing(messageOf(error), next);
  }
}

async function readServices(
  namespace: string,
  ask: AskApi,
): Promise<Asked<readonly ServiceFacts[]>> {
  try {
    return known(await listServices(ask, namespace));
  } catch (error) {
    return missing(messageOf(error), `Needed is the permission to list services in "${namespace}"`);
  }
}
