/**
 * `bouncer-injector self-test --namespace NAME`, run by `helm test`: asks the API server to create a
 * pod in a labelled namespace, as a dry run, and looks whether it came back with a bouncer. That is
 * the whole way: selectors, TLS, caBundle, the Service, the webhook and its answer.
 */
import { containerName } from "bouncer/contract";
import * as v from "valibot";
import { apiFailure } from "./failure.ts";
import type { AskApi } from "./request.ts";

/** Made by the chart, as the namespace's own service account comes a moment after the namespace. */
const serviceAccountName = "bouncer-self-test";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "bouncer-self-test-" },
  spec: {
    serviceAccountName,
    containers: [
      { name: "app", image: "registry.k8s.io/pause:3.10", ports: [{ containerPort: 3000 }] },
    ],
  },
};

/** The API server waits for the webhook, which may take as long as the chart lets it. */
const timeoutMs = 60_000;

const containers = v.nullish(v.array(v.object({ name: v.string() })));
const podSchema = v.object({ spec: v.object({ initContainers: containers, containers }) });

/** The names of what is missing; empty when the pod is complete. Rejects when it was refused. */
export async function selfTest(ask: AskApi, namespace: string): Promise<string[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const query = { dryRun: "All" };
  try {
    const created = await ask({ method: "POST", path, query, body: pod, timeoutMs });
    const { spec } = v.parse(podSchema, created);
    const names = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(
      (container) => container.name,
    );
    return Object.values(containerName).filter((name) => !names.includes(name));
  } catch (error) {
    throw apiFailure(`create a pod in namespace "${namespace}"`, error);
  }
}
