/**
 * Asks the pure core about a pod, with what is known about its namespace and the cluster. The
 * webhook for pods, the one for workloads and the count of unprotected pods all ask here.
 */
import { InjectorError } from "../errors.ts";
import type { ClusterFacts, Injection, InjectionContext } from "../inject/injection.ts";
import type { Namespace, Namespaces } from "../kube/namespaces.ts";
import type { Services } from "../kube/services.ts";
import type { Settings } from "../settings.ts";

/** RFC 1123 label, as Kubernetes has it. */
const namespaceName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export interface JudgeDeps {
  readonly inject: (pod: unknown, context: InjectionContext) => Injection;
  readonly namespaces: Pick<Namespaces, "cached" | "read">;
  readonly versions: () => Pick<ClusterFacts, "apiServer" | "oldestKubelet">;
  readonly services: Services;
  /** The settings in force, with the authority filled in. */
  readonly settings: () => Settings;
  readonly injectorNamespace: string;
  readonly version: string;
  readonly createAdminToken: () => string;
}

export interface Judgement {
  readonly injection: Injection;
  /** As it was judged by. */
  readonly namespace: Namespace;
}

export interface Judge {
  /** Rejects when the namespace does not exist or cannot be asked for. */
  ask(pod: unknown, namespace: string): Promise<Judgement>;
  /** For a namespace that is known, without its Services. */
  judge(pod: unknown, namespace: Namespace): Injection;
}

export function createJudge(deps: JudgeDeps): Judge {
  const judge = (
    pod: unknown,
    namespace: Namespace,
    services: ClusterFacts["services"],
  ): Injection => {
    const { injectorNamespace, version } = deps;
    return deps.inject(pod, {
      settings: deps.settings(),
      namespace,
      cluster: { ...deps.versions(), services },
      injectorNamespace,
      version,
      adminToken: deps.createAdminToken(),
    });
  };

  /** Services matter to pods that are injected only, and as they are now. */
  const judgeFully = async (pod: unknown, namespace: Namespace): Promise<Injection> => {
    const injection = judge(pod, namespace, null);
    if (injection.kind !== "inject") return injection;
    const services = await deps.services.of(namespace.name);
    return services === null ? injection : judge(pod, namespace, services);
  };

  return {
    judge: (pod, namespace) => judge(pod, namespace, null),
    ask: async (pod, name) => {
      // Of no name, the API server would answer with something that has no labels.
      if (!namespaceName.test(name)) {
        throw new InjectorError(
          "request_unexpected",
          `Cannot review a pod of namespace "${name}": that is not the name of a namespace`,
        );
      }
      const cached = deps.namespaces.cached(name);
      if (cached !== undefined) {
        const injection = await judgeFully(pod, cached);
        // The API server sends only what its selectors match, and its view may be newer than the
        // cache: nobody is left without a bouncer because of a label that has not arrived here yet.
        if (injection.kind !== "skip") return { injection, namespace: cached };
      }
      const namespace = await deps.namespaces.read(name);
      if (namespace === null) {
        throw new InjectorError(
          "namespace_unknown",
          `Cannot inject into namespace "${name}": there is no such namespace`,
        );
      }
      return { injection: await judgeFully(pod, namespace), namespace };
    },
  };
}
