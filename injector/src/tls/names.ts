/** The DNS names under which a Service is reached from inside the cluster. Pure. */
import type { DnsNames } from "./renew.ts";

/** The first one is the name the API server verifies (KEP-492: `<service>.<namespace>.svc`). */
export function serviceDnsNames(
  service: string,
  namespace: string,
  clusterDomain: string,
): DnsNames {
  return [
    `${service}.${namespace}.svc`,
    `${service}.${namespace}.svc.${clusterDomain}`,
    `${service}.${namespace}`,
    service,
  ];
}
