/**
 * What `inject` is told and what it answers: the interface between the pure core and the webhook,
 * the command line and the tests.
 *
 *   inject(pod: unknown, context: InjectionContext): Injection      in pod.ts
 *   uninject(pod: unknown): Uninjection                          in uninject.ts
 *   buildPatch(original: Pod, wanted: Pod): Operation[]         in patch.ts
 */
import type { DenyCode, InjectCode, SkipCode, WarningCode } from "../admission/reasons.ts";
import type { Settings } from "../settings.ts";
import type { Pod, StringMap } from "./kubernetes.ts";

export interface InjectionContext {
  readonly settings: Settings;
  /** Namespace of the pod: of the request, since `metadata.namespace` may be empty there. */
  readonly namespace: {
    readonly name: string;
    readonly labels: StringMap;
    readonly annotations: StringMap;
  };
  readonly cluster: ClusterFacts;
  /** Namespace the injector runs in, which is never injected; null on the command line. */
  readonly injectorNamespace: string | null;
  /**
   * 32 random bytes in base64url or hex: the unguessable path of probes and of the drain hook. Not
   * used when the pod is injected already, then it keeps its own.
   */
  readonly adminToken: string;
  /** Version of the injector. */
  readonly version: string;
}

/** What is known about the cluster; null: not known, as on the command line without one. */
export interface ClusterFacts {
  /** Versions such as `1.34.1`. */
  readonly apiServer: string | null;
  readonly oldestKubelet: string | null;
  /** Those of the pod's namespace. */
  readonly services: readonly ServiceFacts[] | null;
}

export const unknownCluster: ClusterFacts = {
  apiServer: null,
  oldestKubelet: null,
  services: null,
};

export interface ServiceFacts {
  readonly name: string;
  /** Empty: it selects no pods by itself. */
  readonly selector: StringMap;
  readonly ports: readonly {
    readonly port: number;
    /** A number, or the name of a port of a container. */
    readonly targetPort: number | string;
    /** `TCP`. */
    readonly protocol: string;
    /** `kubernetes.io/h2c`; null: it does not say. */
    readonly appProtocol: string | null;
  }[];
}

export interface Warning {
  readonly code: WarningCode;
  /** For people, complete without the code. */
  readonly message: string;
}

export type Injection =
  | {
      readonly kind: "inject";
      readonly reason: InjectCode;
      readonly pod: Pod;
      /** How requests get to the bouncer. */
      readonly mode: "redirect" | "service";
      readonly warnings: readonly Warning[];
    }
  | {
      readonly kind: "skip";
      readonly reason: SkipCode;
      /** For people. */
      readonly message: string;
    }
  | {
      readonly kind: "deny";
      readonly reason: DenyCode;
      /** Every problem, for people; `problems.join("; ")` is the answer to kubectl. */
      readonly problems: readonly string[];
    };

export type Uninjection =
  | { readonly kind: "uninjected"; readonly pod: Pod }
  /** The pod carries no bouncer. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "failed"; readonly problems: readonly string[] };
