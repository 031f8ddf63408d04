/**
 * What the injector's service account must be allowed to do, as the chart grants it: more when it
 * writes Events, counts unprotected pods or evicts them. Pure.
 */
import { chartName, type Installation } from "../installation.ts";
import type { Permission } from "./state.ts";

type Rule = readonly [group: string, resource: string, verbs: readonly string[]];

const always: readonly Rule[] = [
  ["", "namespaces", ["get", "list", "watch"]],
  ["", "nodes", ["list"]],
  ["", "services", ["list"]],
];
const forEvents: readonly Rule[] = [
  ["", "events", ["create"]],
  ["apps", "replicasets", ["get"]],
  ["batch", "jobs", ["get"]],
];
const forCounting: readonly Rule[] = [["", "pods", ["list"]]];
const forEvictions: readonly Rule[] = [["", "pods/eviction", ["create"]]];

export function listPermissions(installation: Installation): Permission[] {
  const { environment, namespace, configuration } = installation;
  const interval = environment["INJECTOR_RECONCILE_INTERVAL_SECONDS"] ?? "0";
  const counts = interval !== "0";
  const everywhere = [
    ...always,
    ...(environment["INJECTOR_EVENTS"] === "true" ? forEvents : []),
    ...(counts ? forCounting : []),
    ...(counts && environment["INJECTOR_EVICT_UNPROTECTED"] === "true" ? forEvictions : []),
  ].flatMap((rule) => expand(rule, { name: "", namespace: "" }));
  const webhook: Rule = [
    "admissionregistration.k8s.io",
    "mutatingwebhookconfigurations",
    ["get", "list", "watch", "patch"],
  ];
  const lease = environment["INJECTOR_LEASE"];
  return [
    ...everywhere,
    ...expand(webhook, { name: configuration.metadata?.name ?? "", namespace: "" }),
    ...secretNames(installation).flatMap((name) =>
      expand(["", "secrets", ["get", "patch"]], { name, namespace }),
    ),
    ...(counts && lease !== undefined
      ? expand(["coordination.k8s.io", "leases", ["get", "patch"]], { name: lease, namespace })
      : []),
  ];
}

export function tlsSecretOf({ environment, name }: Installation): string {
  return environment["INJECTOR_TLS_SECRET"] ?? chartName.tlsSecret(name);
}

function secretNames(installation: Installation): string[] {
  const bridge = installation.environment["INJECTOR_BRIDGE_TLS_SECRET"];
  return [tlsSecretOf(installation), ...(bridge === undefined ? [] : [bridge])];
}

function expand(
  [group, resource, verbs]: Rule,
  where: Pick<Permission, "name" | "namespace">,
): Permission[] {
  return verbs.map((verb) => ({ group, resource, verb, ...where }));
}
