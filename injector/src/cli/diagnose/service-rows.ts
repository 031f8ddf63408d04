/** In service mode, a Service decides whether requests meet the bouncer. Pure. */
import type { ServiceFacts } from "../../inject/injection.ts";
import { fail, type Finding, good, unknown } from "./checks.ts";
import type { Facts } from "./facts.ts";
import type { PodFacts } from "./pod.ts";

/** Services that lead past the bouncer, each with the port that does. */
export function judgeServices({ pod, services }: Facts): Finding {
  if (services.kind === "missing") return unknown(services);
  const ours = services.value.filter(({ selector }) => selects(selector, pod.labels));
  const past = ours.flatMap((service) => findPast(service, pod));
  if (past.length > 0) {
    return fail(
      `${past.join(", ")}: past the bouncer`,
      "Set targetPort of these Services to the bouncer's port: bouncer, bouncer-2, ...",
    );
  }
  const names = ours.map(({ name }) => name).join(", ");
  return good(
    ours.length === 0 ? "no Service selects the pod" : `${names}: every port leads to the bouncer`,
  );
}

function selects(selector: ServiceFacts["selector"], labels: PodFacts["labels"]): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

function findPast({ name, ports }: ServiceFacts, pod: PodFacts): string[] {
  const appPorts = (pod.listeners ?? []).map(({ targetPort }) => targetPort);
  return ports.flatMap(({ port, targetPort, protocol }) => {
    const number = typeof targetPort === "number" ? targetPort : pod.namedPorts.get(targetPort);
    const isPast = protocol === "TCP" && number !== undefined && appPorts.includes(number);
    return isPast ? [`${name} (port ${port} to ${targetPort})`] : [];
  });
}
