/**
 * The configuration of `bouncer serve` and `bouncer load`: read once from the environment, all
 * problems reported together. The variables are in `config/table.ts`. Pure.
 */
import {
  complain,
  describeTable,
  type Environment,
  type Reading,
  readTable,
  type TextOf,
  type Values,
} from "bouncer-environment/table";
import { table } from "./config/table.ts";
import type { Target } from "./config/value.ts";
import { environment, port } from "./contract.ts";

/** A port that is listened on, and where its requests go. */
export interface Route {
  readonly port: number;
  readonly target: Target;
  /** Decided once for each connection; what is said on it is no HTTP to us. */
  readonly opaque: boolean;
  /** What is spoken to the application; `auto`: what the client speaks. */
  readonly protocol: "auto" | "http1" | "h2c";
  /** Clients speak TLS to us. */
  readonly tls: boolean;
}

type Variables = Values<typeof table>;

/** The variables by the names of `environment` in `contract.ts`, and what follows from them. */
export type Config = Variables & {
  /** `LISTENERS` and `TARGET_HOST`, or `TARGET_URL`. */
  readonly routes: readonly Route[];
};

export function parseConfig(env: Environment): Reading<Config> {
  const read = readTable(table, env, { conflicts: findConflicts });
  if (read.kind === "invalid") return read;
  const routes = buildRoutes(read.config);
  const { adminPort, opaquePorts, policyPollMinSeconds, policyPollMaxSeconds } = read.config;
  const isAdminTaken = routes.some((route) => route.port === adminPort);
  const isEveryOpaqueKnown = (opaquePorts ?? []).every((opaque) =>
    routes.some(({ target }) => target.port === opaque),
  );
  const problems = [
    ...(isAdminTaken ? [complain(table.adminPort, String(adminPort))] : []),
    ...(policyPollMinSeconds <= policyPollMaxSeconds
      ? []
      : [
          `Cannot use ${environment.policyPollMaxSeconds} "${policyPollMaxSeconds}": accepted is what is not less than ${environment.policyPollMinSeconds}`,
        ]),
    ...findUnknownPorts(read.config, routes),
    ...(isEveryOpaqueKnown ? [] : [complain(table.opaquePorts, opaquePorts?.join(",") ?? "")]),
  ];
  return problems.length > 0
    ? { kind: "invalid", problems }
    : { kind: "ok", config: { ...read.config, routes } };
}

function buildRoutes(variables: Variables): Route[] {
  const { listeners, opaquePorts, targetHost, targetUrl, tlsCertFile } = variables;
  if (listeners === null) {
    const target = targetUrl ?? { host: "127.0.0.1", port: 3000 };
    return [
      {
        port: port.firstListener,
        target,
        opaque: false,
        protocol: "auto",
        tls: tlsCertFile !== null,
      },
    ];
  }
  return listeners.map(({ port: listened, targetPort }) => {
    const opaque = opaquePorts?.includes(targetPort) ?? false;
    const named = variables.appProtocols?.find((one) => one.port === targetPort);
    const isTls = tlsCertFile !== null && (variables.tlsPorts?.includes(targetPort) ?? true);
    return {
      port: listened,
      target: { host: targetHost, port: targetPort },
      opaque,
      protocol: named?.protocol ?? "auto",
      tls: isTls && !opaque,
    };
  });
}

/** Lists of ports in which each has to be one that is listened on, and that is read as HTTP. */
function findUnknownPorts(variables: Variables, routes: readonly Route[]): string[] {
  const known = new Set(routes.filter(({ opaque }) => !opaque).map(({ target }) => target.port));
  const { appProtocols, tlsPorts } = variables;
  const isKnown = (one: number): boolean => known.has(one);
  const named = (appProtocols ?? []).map((one) => one.port);
  const protocols = appProtocols?.map((one) => `${one.port}:${one.protocol}`).join(",") ?? "";
  return [
    ...(named.every(isKnown) ? [] : [complain(table.appProtocols, protocols)]),
    ...((tlsPorts ?? []).every(isKnown)
      ? []
      : [complain(table.tlsPorts, tlsPorts?.join(",") ?? "")]),
  ];
}

const exclusive = [
  [environment.targetUrl, environment.listeners],
  [environment.policySyncClientToken, environment.policySyncClientTokenFile],
  [environment.policySyncClientToken, environment.policySyncOauth2TokenUrl],
  [environment.policySyncClientTokenFile, environment.policySyncOauth2TokenUrl],
  [environment.policyVerificationKeys, environment.policyVerificationKeysFile],
] as const;

/** The first has no effect without the second. */
const dependent = [
  [environment.opaquePorts, environment.listeners],
  [environment.appProtocols, environment.listeners],
  [environment.tlsPorts, environment.listeners],
  [environment.tlsPorts, environment.tlsCertFile],
  [environment.tlsCertFile, environment.tlsKeyFile],
  [environment.tlsKeyFile, environment.tlsCertFile],
  [environment.probes, environment.adminToken],
  [environment.policySyncClientCertFile, environment.policySyncClientKeyFile],
  [environment.policySyncClientKeyFile, environment.policySyncClientCertFile],
  [environment.policySyncOauth2TokenUrl, environment.policySyncOauth2ClientId],
  [environment.policySyncOauth2ClientId, environment.policySyncOauth2ClientSecret],
  [environment.policySyncOauth2ClientSecret, environment.policySyncOauth2TokenUrl],
  [environment.policySyncOauth2Scopes, environment.policySyncOauth2TokenUrl],
  [environment.policyPollMinSeconds, environment.policyPollMaxSeconds],
  [environment.policyPollMaxSeconds, environment.policyPollMinSeconds],
  [environment.policyVerificationKeyId, environment.policyVerificationKey],
  [environment.policyVerificationScope, environment.policyVerificationKey],
] as const;

function findConflicts(textOf: TextOf): string[] {
  const unaudited =
    textOf(environment.auditMode) === "auditability" &&
    textOf(environment.enableAuditLog) === "false";
  return [
    ...(unaudited
      ? [`Cannot use ${environment.auditMode} without ${environment.enableAuditLog}`]
      : []),
    ...exclusive
      .filter(([one, other]) => textOf(one) !== null && textOf(other) !== null)
      .map(([one, other]) => `Cannot use ${one} together with ${other}`),
    ...dependent
      .filter(([one, other]) => textOf(one) !== null && textOf(other) === null)
      .map(([one, other]) => `Cannot use ${one} without ${other}`),
  ];
}

/** The effective configuration by variable, for the log: secrets masked, unset ones left out. */
export function describeConfig(env: Environment): Readonly<Record<string, string>> {
  return describeTable(table, env);
}
