/** Environment of the added containers, by the names of the contract. Pure. */
import {
  environment,
  fileName,
  formatListeners,
  mountPath,
  type Probe,
  redirectEnvironment,
} from "bouncer/contract";
import type { Options } from "../annotations/parse.ts";
import { listVariables, type SetVariable } from "../settings/evaluation.ts";
import { formatPortRange } from "../settings/value.ts";
import { formatKeys, type Verification } from "../settings/verification.ts";
import type { Settings } from "../settings.ts";
import type { Container } from "./kubernetes.ts";
import type { PortPlan } from "./ports.ts";
import { formatSpoken, listSpoken, type SpokenPort } from "./protocols.ts";

type EnvVar = NonNullable<Container["env"]>[number];

/** The kubelet expands `$(NAME)` in values; `$$` is how a dollar sign is written. */
const literal = (name: string, value: string): EnvVar => ({
  name,
  value: value.replaceAll("$", "$$$$"),
});

/** A variable that is left out when there is nothing to say. */
const optional = (name: string, value: string | null): EnvVar[] =>
  value === null || value === "" ? [] : [literal(name, value)];

const field = (name: string, fieldPath: string): EnvVar => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

/** `meshPorts`: of the proxies of a mesh. */
export function buildRedirectEnvironment(
  plan: PortPlan,
  options: Options,
  meshPorts: readonly number[],
): EnvVar[] {
  const openPorts = [plan.adminPort, ...meshPorts, ...plan.excluded.map(formatPortRange)];
  return [
    literal(redirectEnvironment.listeners, formatListeners(plan.listeners)),
    literal(redirectEnvironment.openPorts, openPorts.join(",")),
    literal(redirectEnvironment.unlistedPorts, options.unlistedPorts),
    ...optional(redirectEnvironment.excludedSources, options.excludedSources.join(",")),
  ];
}

/** What `bouncer load` reads, and `bouncer serve` as well. */
export function buildLoaderEnvironment(options: Options, settings: Settings): EnvVar[] {
  const { verification, refuseOlder, syncCa } = settings.policy;
  const { operatorsHosts } = options;
  const tokenIsGiven = options.extraEnv.some(({ name }) => insteadOfToken.includes(name));
  const tokenFile = operatorsHosts && !tokenIsGiven ? `${mountPath.token}/${fileName.token}` : null;
  return [
    field(environment.podName, "metadata.name"),
    field(environment.podNamespace, "metadata.namespace"),
    literal(environment.policyStore, "opa"),
    literal(environment.policyDirectory, mountPath.policy),
    ...optional(environment.policyBundleUrl, options.bundleUrl),
    ...optional(environment.policySyncUrl, options.syncUrl),
    ...optional(environment.policySyncClientTokenFile, tokenFile),
    ...optional(environment.policySyncCa, operatorsHosts ? syncCa : null),
    literal(environment.policyDecisionPath, options.decisionPath),
    ...(verification === null ? [] : listKeys(verification)),
    ...optional(environment.policyRefuseOlder, refuseOlder ? "true" : null),
    ...listBounds(options, settings, ({ loader }) => loader),
    literal(environment.logLevel, options.logLevel),
    literal(environment.logFormat, settings.logFormat),
  ];
}

function listKeys(verification: Verification): EnvVar[] {
  const { key, keyId, algorithm, scope } = verification;
  return [
    ...optional(environment.policyVerificationKey, key),
    ...optional(environment.policyVerificationKeyId, keyId),
    ...optional(environment.policyVerificationAlgorithm, key === null ? null : algorithm),
    ...optional(environment.policyVerificationScope, scope),
    ...optional(environment.policyVerificationKeys, formatKeys(verification)),
  ];
}

/** Of these and the token's file, the bouncer accepts one. */
const insteadOfToken: readonly string[] = [
  environment.policySyncClientToken,
  environment.policySyncOauth2TokenUrl,
];

/** What `extraEnv` says of the same goes before it: it may be the namespace's. */
function listBounds(
  { extraEnv }: Options,
  { policy }: Settings,
  isWanted: (variable: SetVariable) => boolean,
): EnvVar[] {
  const given = new Set(extraEnv.map(({ name }) => name));
  return listVariables(policy)
    .filter((variable) => isWanted(variable) && !given.has(variable.name))
    .map(({ name, value }) => literal(name, value));
}

export interface SidecarFacts {
  readonly plan: PortPlan;
  /** What Services say about app ports, where no annotation does. */
  readonly said: readonly SpokenPort[];
  readonly adminToken: string;
  readonly probes: readonly Probe[];
}

/** What only `bouncer serve` reads. */
export function buildSidecarEnvironment(
  facts: SidecarFacts,
  options: Options,
  settings: Settings,
): EnvVar[] {
  const { plan, adminToken, probes } = facts;
  const { enabled, destination, mode, masks } = options.audit;
  const auditFile = `${mountPath.audit}/${fileName.audit}`;
  return [
    literal(environment.listeners, formatListeners(plan.listeners)),
    ...optional(environment.opaquePorts, plan.opaque.join(",")),
    ...buildProtocols(facts, options),
    options.targetHost === null
      ? field(environment.targetHost, "status.podIP")
      : literal(environment.targetHost, options.targetHost),
    literal(environment.adminPort, String(plan.adminPort)),
    literal(environment.adminOnProxyPort, "false"),
    literal(environment.adminToken, adminToken),
    literal(environment.probes, JSON.stringify(probes)),
    ...optional(
      environment.policyPersistDirectory,
      settings.policy.persist ? mountPath.state : null,
    ),
    ...listBounds(options, settings, ({ loader }) => !loader),
    literal(environment.cacheTtl, String(options.cacheTtl)),
    ...optional(environment.trustedProxies, settings.trustedProxies.join(",")),
    literal(environment.drainDelaySeconds, String(options.drainDelaySeconds)),
    ...optional(environment.shadowMode, options.shadow ? "true" : null),
    ...optional(environment.degradedRoutes, options.degradedRoutes.join(",")),
    literal(environment.enableAuditLog, String(enabled)),
    ...optional(environment.auditMode, mode === "availability" ? null : mode),
    ...optional(environment.auditMasks, masks.join(",")),
    literal(environment.auditLogDestination, destination),
    ...optional(environment.auditLogFile, destination === "file" ? auditFile : null),
  ];
}

/** What is not said is the bouncer's own default. */
function buildProtocols({ plan, said }: SidecarFacts, options: Options): EnvVar[] {
  const { via, longLivedStreams, threads } = options;
  const isEncrypted = plan.tls.length > 0;
  const file = (name: string) => (isEncrypted ? `${mountPath.tls}/${name}` : null);
  return [
    ...optional(environment.appProtocols, formatSpoken(listSpoken(plan, said))),
    ...optional(environment.tlsPorts, plan.tls.join(",")),
    ...optional(environment.tlsCertFile, file(fileName.tlsCertificate)),
    ...optional(environment.tlsKeyFile, file(fileName.tlsKey)),
    ...optional(environment.viaPseudonym, via === "bouncer" ? null : via),
    ...optional(
      environment.longLivedStreams,
      longLivedStreams === "recheck" ? null : longLivedStreams,
    ),
    ...optional(environment.threads, threads === "auto" ? null : String(threads)),
  ];
}
