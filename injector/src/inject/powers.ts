/**
 * What a pod could use to remove the rules that lead requests to the bouncer. It is injected all
 * the same; the chart's bypassPolicy refuses it. Pure.
 */
import { warn } from "../admission/reasons.ts";
import type { Warning } from "./injection.ts";
import type { Container, PodSpec } from "./kubernetes.ts";

const capabilities = ["NET_ADMIN", "SYS_ADMIN", "SYS_MODULE", "ALL"] as const;

export function warnAboutPowers(spec: PodSpec): Warning[] {
  const ofPod = (["hostPID", "shareProcessNamespace"] as const)
    .filter((field) => spec[field] === true)
    .map((field) => `${field}: true`);
  const ofContainers = [...(spec.initContainers ?? []), ...spec.containers].flatMap((container) =>
    findPowers(container).map((power) => `container ${container.name}: ${power}`),
  );
  return [...ofPod, ...ofContainers].map((power) => warn("could_remove_rules", power));
}

function findPowers({ securityContext }: Container): string[] {
  const added = (securityContext?.capabilities?.add ?? []).map((name) =>
    name.toUpperCase().replace(/^CAP_/, ""),
  );
  return [
    ...(securityContext?.privileged === true ? ["privileged"] : []),
    ...capabilities.filter((name) => added.includes(name)),
  ];
}
