/**
 * The Services in front of a pod in service mode: which of them still send requests to the
 * application, past the bouncer. Pure.
 */
import { warn } from "../admission/reasons.ts";
import { listenerPortName } from "./containers.ts";
import { runningContainers } from "./handlers.ts";
import type { ServiceFacts, Warning } from "./injection.ts";
import type { Pod, StringMap } from "./kubernetes.ts";
import { findTcpPorts } from "./port-items.ts";
import type { PortPlan } from "./ports.ts";

export function warnAboutServices(
  pod: Pod,
  plan: PortPlan,
  services: readonly ServiceFacts[] | null,
): Warning[] {
  const labels = pod.metadata?.labels ?? {};
  return (services ?? [])
    .filter((service) => selects(service.selector, labels))
    .flatMap((service) =>
      service.ports
        .filter(({ protocol }) => protocol === "TCP")
        .flatMap(({ port, targetPort }) =>
          resolve(pod, targetPort).flatMap((number) => {
            const index = plan.listeners.findIndex((listener) => listener.targetPort === number);
            const listener = plan.listeners[index];
            if (listener === undefined) return [];
            const instead = `its targetPort should be ${listenerPortName(index)} (${listener.port})`;
            const about = `Service ${service.name}, port ${port} with targetPort ${targetPort} (${instead})`;
            return [warn("service_bypasses_bouncer", about)];
          }),
        ),
    );
}

/** A Service without a selector has its endpoints from elsewhere. */
export function selects(selector: StringMap, labels: StringMap): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

function resolve(pod: Pod, targetPort: number | string): number[] {
  if (typeof targetPort === "number") return [targetPort];
  return runningContainers(pod.spec)
    .flatMap(findTcpPorts)
    .filter(({ name }) => name === targetPort)
    .map(({ containerPort }) => containerPort);
}
