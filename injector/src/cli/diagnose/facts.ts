/** Everything that `diagnose` knows when it begins to judge. Types only. */
import type { Listener } from "bouncer/contract";
import type { ServiceFacts } from "../../inject/injection.ts";
import type { Diagnosis, PolicyFacts, ProxyAnswer } from "./answers.ts";
import type { Asked } from "./checks.ts";
import type { PodFacts } from "./pod.ts";

/** What requests from outside to one app port gave. */
export interface PortFacts {
  readonly listener: Listener;
  /** Of a request that every bouncer refuses by itself, whatever its policy; see reader.ts. */
  readonly marked: ProxyAnswer;
  /** Requests that the bouncer had counted before and after it; null: not known. */
  readonly counted: { readonly before: number | null; readonly after: number | null };
  /** Of GET /. */
  readonly plain: ProxyAnswer;
}

export interface Facts {
  readonly pod: PodFacts;
  /** Version of the installation that serves the pod's namespace. */
  readonly installed: Asked<string>;
  /** Last lines of the containers that failed, by name. */
  readonly logs: Readonly<Record<string, Asked<readonly string[]>>>;
  /** Names of pull secrets of the pod that are not in its namespace. */
  readonly absentSecrets: Asked<readonly string[]>;
  /** Whether the Secret with the certificate exists; true also without one. */
  readonly hasCertificate: Asked<boolean>;
  readonly diagnosis: Asked<Diagnosis>;
  readonly policy: Asked<PolicyFacts>;
  readonly ports: Asked<readonly PortFacts[]>;
  /** Of the namespace; looked at in service mode only. */
  readonly services: Asked<readonly ServiceFacts[]>;
}

/** Without the redirect step, requests come by the Services. */
export const isRedirected = ({ redirect }: PodFacts): boolean => redirect !== null;

/** The port that a client of the pod connects to. */
export function entryPort(pod: PodFacts, listener: Listener): number {
  return isRedirected(pod) ? listener.targetPort : listener.port;
}
