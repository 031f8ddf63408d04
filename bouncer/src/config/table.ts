/**
 * Every environment variable of `bouncer serve` and `bouncer load`: how it is read, what it is
 * when it is not set, and how it is documented. `docs/reference/configuration.md` is made from
 * this table. Pure.
 */
import { optional, type Variable, variable } from "bouncer-environment/table";
import { flag, integer, text } from "bouncer-environment/value";
import * as v from "valibot";
import { environment, fileName, mountPath, port } from "../contract.ts";
import { signatureAlgorithms } from "../contract.ts";
import { bundleRows, syncRows } from "./bundle.ts";
import { listenerRows } from "./listener.ts";
import { networkRows } from "./network.ts";
import * as value from "./value.ts";

const seconds = (least: number, most: number): string =>
  `a whole number of seconds from ${least} to ${most}`;
const booleans = "`true` or `false`";

export const table = {
  targetUrl: optional(environment.targetUrl, value.targetUrl, {
    accepts: "an http URL without path, such as `http://127.0.0.1:3000`",
    doc: `The application, when there is one port: requests to port ${port.firstListener} go there. Not together with \`LISTENERS\`; with neither, it is \`http://127.0.0.1:3000\`.`,
  }),
  listeners: optional(environment.listeners, value.listeners, {
    accepts: "`none`, or a comma-separated list of `port:targetPort`, each port listened on once",
    doc: "The ports to listen on and the application's port behind each. The injector sets it.",
  }),
  opaquePorts: optional(environment.opaquePorts, value.ports, {
    accepts: "a comma-separated list of ports, each a `targetPort` of `LISTENERS`",
    doc: "Ports of the application on which no HTTP is spoken to the bouncer: it decides once for each connection and then carries bytes. The injector sets it.",
  }),
  ...listenerRows,
  targetHost: variable(environment.targetHost, "127.0.0.1", value.host, {
    accepts: "an IP address or a host name",
    doc: "Where the application of `LISTENERS` and of `PROBES` is: the pod's own address.",
  }),
  adminPort: variable(environment.adminPort, String(port.admin), value.port, {
    accepts: "a port from 1 to 65535 that no listener has",
    doc: "Port of `/health`, `/ready`, `/metrics`, `/v1/status` and `/v1/policy/refresh`.",
  }),
  adminOnProxyPort: variable(environment.adminOnProxyPort, "true", flag, {
    accepts: booleans,
    doc: "`true`: the admin paths are answered on the proxy ports too, to everybody (`POST /v1/policy/refresh`: to loopback only), and hide the application's paths of the same names. `false`: on the proxy ports they are answered to callers on loopback only. Never on opaque ports. The injector sets `false`.",
  }),
  policySyncUrl: optional(environment.policySyncUrl, value.url("ws", "wss", "http", "https"), {
    accepts: "a ws, wss, http or https URL without credentials",
    doc: "Where new policy comes from. `wss://` (or `ws://`): the bridge announces revisions, the bundle is pulled. `https://` (or `http://`): a bundle that is polled.",
  }),
  policySyncClientToken: optional(environment.policySyncClientToken, text, {
    accepts: "any text",
    doc: "Bearer token for `POLICY_SYNC_URL` and `POLICY_BUNDLE_URL`. Not together with `POLICY_SYNC_CLIENT_TOKEN_FILE`.",
    secret: true,
  }),
  policySyncClientTokenFile: optional(environment.policySyncClientTokenFile, value.absolutePath, {
    accepts: "an absolute path",
    doc: "File with the bearer token; read again on every use, because the kubelet renews it.",
  }),
  policySyncCa: optional(environment.policySyncCa, value.pemCertificates, {
    accepts: "PEM certificates",
    doc: "The authorities that the servers of policy are verified against; unset: Node's own list.",
  }),
  ...syncRows,
  policyBundleUrl: optional(environment.policyBundleUrl, value.bundleUrls, {
    accepts:
      "a comma-separated list of http or https URLs without credentials, the last segments of which differ",
    doc: "The bundles that `bouncer load` fetches before the application starts. All of them are enforced together; each is called by the last segment of its URL. When `POLICY_SYNC_URL` is polled, the first of them is what is there, and the others are polled where they are.",
  }),
  policyStore: variable(environment.policyStore, "opa", v.picklist(["opa"]), {
    accepts: "`opa`",
    doc: "Kind of policy: bundles as `opa build -t wasm` makes them.",
  }),
  policyDirectory: variable(environment.policyDirectory, mountPath.policy, value.absolutePath, {
    accepts: "an absolute path",
    doc: `Directory of \`${fileName.bundle}\`: written by \`bouncer load\`, read by \`bouncer serve\` at start.`,
  }),
  policyDecisionPath: variable(
    environment.policyDecisionPath,
    "envoy/authz/allow",
    value.decisionPath,
    {
      accepts: "an entrypoint such as `envoy/authz/allow`",
      doc: "Entrypoint of the bundle that decides.",
    },
  ),
  policyVerificationKey: optional(environment.policyVerificationKey, text, {
    accepts: "a PEM public key (RS, PS, ES) or a shared secret (HS)",
    doc: "When set, a bundle that is not signed with this key is refused; when not, one that is signed.",
    secret: true,
  }),
  policyVerificationKeyId: optional(environment.policyVerificationKeyId, text, {
    accepts: "any text",
    doc: "Id that the bundle's signature must name; unset: any.",
  }),
  policyVerificationAlgorithm: variable(
    environment.policyVerificationAlgorithm,
    "RS256",
    v.picklist(signatureAlgorithms),
    {
      accepts: "RS, PS, ES or HS followed by 256, 384 or 512",
      doc: "Algorithm of the signature. What the signature itself says is not believed.",
    },
  ),
  policyVerificationScope: optional(environment.policyVerificationScope, text, {
    accepts: "any text",
    doc: "Scope that the signature must have.",
  }),
  ...bundleRows,
  policyEvaluationTimeoutMs: variable(
    environment.policyEvaluationTimeoutMs,
    "1000",
    integer(1, 60_000),
    {
      accepts: "milliseconds, a whole number from 1 to 60000",
      doc: "How long one evaluation of the policy may compute. After 10 ms it goes on in a thread of its own, and other requests do not wait for it.",
    },
  ),
  policyDecisionTimeoutMs: variable(
    environment.policyDecisionTimeoutMs,
    "10000",
    integer(1, 600_000),
    {
      accepts: "milliseconds, a whole number from 1 to 600000",
      doc: "How long a decision may take in all: evaluations, the network calls of the policy, and waiting for others that take long. Then the client gets 503 `policy_timeout`.",
    },
  ),
  policyEvaluationMemoryMib: variable(
    environment.policyEvaluationMemoryMib,
    "16",
    integer(1, 2048),
    {
      accepts: "MiB, a whole number from 1 to 2048",
      doc: "How much memory one evaluation may use beyond the policy's data; beyond it, the client gets 503 `policy_error`. It is not given back.",
    },
  ),
  ...networkRows,
  cacheTtl: variable(environment.cacheTtl, "5", integer(0, 86_400), {
    accepts: `${seconds(0, 86_400)}; 0 switches the cache off`,
    doc: "How long a decision may be given again for the same input and the same policy. A policy that reads the clock is late by up to this.",
  }),
  trustedProxies: optional(environment.trustedProxies, value.cidrs, {
    accepts: "a comma-separated list of IP addresses and CIDR blocks",
    doc: "Peers whose `X-Forwarded-*` and other identity headers are kept and appended to. From everybody else they are removed.",
  }),
  targetTimeoutSeconds: variable(environment.targetTimeoutSeconds, "60", integer(0, 86_400), {
    accepts: `${seconds(0, 86_400)}; 0 is no limit`,
    doc: "How long the application may take to begin its answer before the client gets 504. Bodies, event streams, upgraded and opaque connections are not limited.",
  }),
  maxRequestsInFlight: variable(environment.maxRequestsInFlight, "2000", integer(1, 1_000_000), {
    accepts: "a whole number from 1 to 1000000",
    doc: "More requests than this at a time are refused with 503. Upgraded and opaque connections count while they are open.",
  }),
  drainDelaySeconds: variable(environment.drainDelaySeconds, "5", integer(0, 3600), {
    accepts: seconds(0, 3600),
    doc: "How long requests are accepted after the drain hook or SIGTERM, whichever came first, while the rest of the cluster learns that the pod is going.",
  }),
  drainTimeoutSeconds: variable(environment.drainTimeoutSeconds, "20", integer(0, 3600), {
    accepts: seconds(0, 3600),
    doc: "How long requests in flight may then take to finish.",
  }),
  logLevel: variable(
    environment.logLevel,
    "info",
    v.picklist(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    {
      accepts: "`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`",
      doc: "The least severe messages that are logged.",
    },
  ),
  logFormat: variable(environment.logFormat, "json", v.picklist(["json", "text"]), {
    accepts: "`json` or `text`",
    doc: "One JSON object a line, or one line of text for people.",
  }),
  logDestination: variable(environment.logDestination, "stdout", v.picklist(["stdout", "stderr"]), {
    accepts: "`stdout` or `stderr`",
    doc: "Where the log goes; lines that nobody takes are dropped, and hold up no request. Audit records go to `AUDIT_LOG_DESTINATION`.",
  }),
  shadowMode: variable(environment.shadowMode, "false", flag, {
    accepts: booleans,
    doc: "`true`: every request is decided and recorded, and none is refused by the policy or for the lack of one. Malformed requests and overload are refused as ever.",
  }),
  degradedRoutes: optional(environment.degradedRoutes, value.degradedRoutes, {
    accepts:
      "a comma-separated list of `METHOD PATH`; METHOD in capitals or `*`, PATH without query, exact or ending in `/*`",
    doc: "Requests that are let through, and recorded as degraded, while no decision can be had: `no_policy`, `policy_error`, `policy_timeout`, `overload`. What the policy refuses is refused here, too.",
  }),
  enableAuditLog: variable(environment.enableAuditLog, "true", flag, {
    accepts: booleans,
    doc: "One record for each decision.",
  }),
  auditMode: variable(
    environment.auditMode,
    "availability",
    v.picklist(["availability", "auditability"]),
    {
      accepts: "`availability` or `auditability`",
      doc: "`availability`: requests do not wait for their records, and records that cannot be written are counted. `auditability`: nothing is forwarded or refused before its record is written; where it cannot be, the client gets 503 `audit_unavailable`.",
    },
  ),
  auditMasks: optional(environment.auditMasks, value.auditMasks, {
    accepts:
      "a comma-separated list of JSON pointers that begin with `/input` or `/result`; names of headers in lower case",
    doc: "Values that are erased from audit records, besides the credentials and bodies that never get there. Pointers to what is not there are ignored.",
  }),
  auditLogDestination: variable(
    environment.auditLogDestination,
    "stdout",
    v.picklist(["stdout", "file"]),
    {
      accepts: "`stdout` or `file`",
      doc: "Where audit records go.",
    },
  ),
  auditLogFile: variable(
    environment.auditLogFile,
    `${mountPath.audit}/${fileName.audit}`,
    value.absolutePath,
    {
      accepts: "an absolute path",
      doc: "File of the audit records for `AUDIT_LOG_DESTINATION=file`; at 10 MiB it becomes `.1`, and so on to `.4`.",
    },
  ),
  otelEnabled: variable(environment.otelEnabled, "false", flag, {
    accepts: booleans,
    doc: "A span for each decision, exported as OTLP over HTTP (JSON).",
  }),
  otelExporterOtlpEndpoint: variable(
    environment.otelExporterOtlpEndpoint,
    "http://localhost:4318",
    value.url("http", "https"),
    {
      accepts: "an http or https URL without credentials",
      doc: "Base URL of the collector; spans go to `/v1/traces` below it.",
    },
  ),
  otelServiceName: variable(environment.otelServiceName, "bouncer", text, {
    accepts: "any text",
    doc: "`service.name` of the spans.",
  }),
  adminToken: optional(environment.adminToken, value.adminToken, {
    accepts: "16 to 128 letters, digits, `-` or `_`",
    doc: "Unguessable path segment of rewritten probes and of the drain hook; unset: neither is served. The injector sets it.",
    secret: true,
  }),
  probes: variable(environment.probes, "[]", value.probes, {
    accepts: "a JSON array of probes as the injector writes them, one for each container and field",
    doc: "The probes and hooks that the bouncer performs for the kubelet. The injector sets it.",
    // Their headers may carry credentials.
    secret: true,
  }),
  podName: variable(environment.podName, "", text, {
    accepts: "any text",
    doc: "Name of the pod, for logs, audit records, spans and the bridge.",
  }),
  podNamespace: variable(environment.podNamespace, "", text, {
    accepts: "any text",
    doc: "Namespace of the pod, likewise.",
  }),
} satisfies Readonly<Record<keyof typeof environment, Variable<unknown>>>;
