/**
 * What the injector and the bouncer must agree on: names, ports, mount paths, environment
 * variables and their formats. The injector writes these into pods, the bouncer reads them; pods
 * outlive upgrades of the injector, so a name here changes only with an entry in CHANGELOG.md.
 * Pure: no imports.
 */

/** Names of the containers that are added to a pod, in the order in which they start. */
export const containerName = {
  redirect: "bouncer-redirect",
  loader: "policy-loader",
  sidecar: "bouncer-sidecar",
} as const;

/** Names of the volumes that are added to a pod. */
export const volumeName = {
  policy: "policy-cache",
  state: "policy-state",
  audit: "audit-logs",
  token: "bouncer-token",
  /** A Secret of the pod's namespace, where its clients speak TLS. */
  tls: "bouncer-tls",
} as const;

/** Where the volumes are mounted in the bouncer's containers. */
export const mountPath = {
  policy: "/policies",
  /** Of the sidecar alone: what it keeps over its own restarts. */
  state: "/var/lib/bouncer",
  audit: "/var/log/bouncer",
  token: "/var/run/secrets/bouncer.dev",
  tls: "/var/run/secrets/bouncer-tls",
} as const;

/** File names below the mount paths. */
export const fileName = {
  /** The verified bundle, as fetched; replaced by rename. Below `mountPath.policy`. */
  bundle: "bundle.tar.gz",
  /** Projected service-account token. Below `mountPath.token`. */
  token: "token",
  /** As a Secret of type kubernetes.io/tls names them. Below `mountPath.tls`. */
  tlsCertificate: "tls.crt",
  tlsKey: "tls.key",
  /** Audit log when it goes to a file. Below `mountPath.audit`. */
  audit: "audit.log",
} as const;

/** Audience of the projected service-account token; the bridge accepts no other. */
export const tokenAudience = "bouncer-bridge";

/** User and group of every added container but the redirect step, which is root. */
export const bouncerUid = 65532;

/** TCP ports in the pod. A port that the application owns makes ours move (see `Listener`). */
export const port = {
  /** Listener for the first application port. */
  firstListener: 8080,
  /** Listeners for the second application port and on: 15001, 15002, ... */
  nextListener: 15001,
  admin: 9090,
} as const;

/** Paths on the admin port. */
export const adminPath = {
  /** 200 as soon as every listener accepts connections. */
  health: "/health",
  /** 200 when a request could be allowed now; else 503 with the reason. */
  ready: "/ready",
  metrics: "/metrics",
  status: "/v1/status",
  /** POST, loopback callers only. */
  refresh: "/v1/policy/refresh",
  /** Rewritten probes: `/probe/<token>/<container>/<kind>`. */
  probe: "/probe",
  /** The sidecar's preStop hook: `/drain/<token>`. The pod is terminating. */
  drain: "/drain",
  /** What works between here and the application, tried now: `/diagnosis/<token>`. */
  diagnosis: "/diagnosis",
} as const;

/** One listener of the bouncer and the application port behind it. */
export interface Listener {
  /** TCP port the bouncer listens on. */
  readonly port: number;
  /** TCP port of the application. */
  readonly targetPort: number;
}

/** `8080:3000,15001:9000`, the value of `LISTENERS`; `none` when the application has no port. */
export function formatListeners(listeners: readonly Listener[]): string {
  if (listeners.length === 0) return "none";
  return listeners.map((l) => `${l.port}:${l.targetPort}`).join(",");
}

/** What the kubelet would have done, done by the bouncer instead. */
export type ProbeAction =
  | {
      readonly kind: "http";
      readonly scheme: "http" | "https";
      readonly port: number;
      readonly path: string;
      readonly host?: string;
      readonly headers: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly kind: "tcp"; readonly port: number; readonly host?: string }
  | { readonly kind: "grpc"; readonly port: number; readonly service: string };

/** Which field of a container a rewritten probe or hook came from. */
export const probeFields = [
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "postStart",
  "preStop",
] as const;
export type ProbeField = (typeof probeFields)[number];

/** One rewritten probe, an element of the JSON array in `PROBES`. */
export interface Probe {
  readonly container: string;
  readonly field: ProbeField;
  readonly timeoutSeconds: number;
  readonly action: ProbeAction;
}

/** Path of a rewritten probe on the admin port. */
export function probePath(token: string, container: string, field: ProbeField): string {
  return `${adminPath.probe}/${token}/${container}/${field}`;
}

/**
 * Environment of `bouncer redirect`. `REDIRECT_LISTENERS` has the format of `LISTENERS`;
 * `REDIRECT_OPEN_PORTS` is a comma-separated list of TCP ports that are let through as they are
 * (the admin port, those of a mesh, those that were excluded); `REDIRECT_UNLISTED_PORTS` is `deny`
 * or `allow`; `REDIRECT_EXCLUDED_SOURCES` is a comma-separated list of addresses and CIDRs of either
 * family whose connections are let through as they are.
 */
export const redirectEnvironment = {
  listeners: "REDIRECT_LISTENERS",
  openPorts: "REDIRECT_OPEN_PORTS",
  unlistedPorts: "REDIRECT_UNLISTED_PORTS",
  excludedSources: "REDIRECT_EXCLUDED_SOURCES",
} as const;

/** Environment of `bouncer serve` and `bouncer load`. The schema is in `config.ts`. */
export const environment = {
  /** Where requests go when there is no `LISTENERS`: `http://127.0.0.1:3000`. */
  targetUrl: "TARGET_URL",
  /** `8080:3000,15001:9000` or `none`; targets are on `TARGET_HOST`. */
  listeners: "LISTENERS",
  /** Ports of the application, among those of `LISTENERS`, that are decided once per connection. */
  opaquePorts: "OPAQUE_PORTS",
  /** `9000:h2c,3000:http1`: what is spoken to ports of the application; else what the client speaks. */
  appProtocols: "APP_PROTOCOLS",
  /** Ports of the application whose listeners speak TLS; all, when there is a certificate. */
  tlsPorts: "TLS_PORTS",
  tlsCertFile: "TLS_CERT_FILE",
  tlsKeyFile: "TLS_KEY_FILE",
  /** What the bouncer calls itself in Via, or `none`. */
  viaPseudonym: "VIA_PSEUDONYM",
  /** `keep`, `recheck` or `close`: what becomes of streams when the policy changes. */
  longLivedStreams: "LONG_LIVED_STREAMS",
  /** `auto`, or how many threads carry requests. */
  threads: "THREADS",
  /** Host of the application for `LISTENERS`: the pod's own address. */
  targetHost: "TARGET_HOST",
  adminPort: "ADMIN_PORT",
  adminOnProxyPort: "ADMIN_ON_PROXY_PORT",
  policySyncUrl: "POLICY_SYNC_URL",
  policySyncClientToken: "POLICY_SYNC_CLIENT_TOKEN",
  policySyncClientTokenFile: "POLICY_SYNC_CLIENT_TOKEN_FILE",
  /** PEM of the authorities that `POLICY_SYNC_URL` and `POLICY_BUNDLE_URL` are verified against. */
  policySyncCa: "POLICY_SYNC_CA",
  /** Files with the PEM certificate and key that are shown to those servers. */
  policySyncClientCertFile: "POLICY_SYNC_CLIENT_CERT_FILE",
  policySyncClientKeyFile: "POLICY_SYNC_CLIENT_KEY_FILE",
  policySyncOauth2TokenUrl: "POLICY_SYNC_OAUTH2_TOKEN_URL",
  policySyncOauth2ClientId: "POLICY_SYNC_OAUTH2_CLIENT_ID",
  policySyncOauth2ClientSecret: "POLICY_SYNC_OAUTH2_CLIENT_SECRET",
  policySyncOauth2Scopes: "POLICY_SYNC_OAUTH2_SCOPES",
  policyPollMinSeconds: "POLICY_POLL_MIN_SECONDS",
  policyPollMaxSeconds: "POLICY_POLL_MAX_SECONDS",
  policyPollWaitSeconds: "POLICY_POLL_WAIT_SECONDS",
  /** Comma-separated; all are enforced together. */
  policyBundleUrl: "POLICY_BUNDLE_URL",
  policyStore: "POLICY_STORE",
  policyDirectory: "POLICY_DIRECTORY",
  /** Entrypoint of the decision: `envoy/authz/allow`. */
  policyDecisionPath: "POLICY_DECISION_PATH",
  /** PEM public key (RS, PS, ES) or shared secret (HS); when set, unsigned bundles are refused. */
  policyVerificationKey: "POLICY_VERIFICATION_KEY",
  policyVerificationKeyId: "POLICY_VERIFICATION_KEY_ID",
  policyVerificationAlgorithm: "POLICY_VERIFICATION_ALGORITHM",
  policyVerificationScope: "POLICY_VERIFICATION_SCOPE",
  /** JSON: key ids and their keys, so that keys can be rotated. */
  policyVerificationKeys: "POLICY_VERIFICATION_KEYS",
  policyVerificationKeysFile: "POLICY_VERIFICATION_KEYS_FILE",
  policyVerificationExcludeFiles: "POLICY_VERIFICATION_EXCLUDE_FILES",
  policyAllowUnsignedDeltas: "POLICY_ALLOW_UNSIGNED_DELTAS",
  policyRefuseOlder: "POLICY_REFUSE_OLDER",
  policyPersistDirectory: "POLICY_PERSIST_DIRECTORY",
  policyMaxDeltas: "POLICY_MAX_DELTAS",
  policyMaxBundleBytes: "POLICY_MAX_BUNDLE_BYTES",
  policyMaxUnpackedBytes: "POLICY_MAX_UNPACKED_BYTES",
  policyMaxFileBytes: "POLICY_MAX_FILE_BYTES",
  policyMaxFiles: "POLICY_MAX_FILES",
  policyMaxSetBytes: "POLICY_MAX_SET_BYTES",
  /** Seconds; 0 switches the decision cache off. */
  policyEvaluationTimeoutMs: "POLICY_EVALUATION_TIMEOUT_MS",
  policyDecisionTimeoutMs: "POLICY_DECISION_TIMEOUT_MS",
  policyEvaluationMemoryMib: "POLICY_EVALUATION_MEMORY_MIB",
  cacheTtl: "CACHE_TTL",
  /** `api.example.com:443,*.example.org,10.0.0.0/8`: where `http.send` may connect to. */
  policyHttpAllow: "POLICY_HTTP_ALLOW",
  /** Addresses and CIDR blocks where it may not, or `none`. */
  policyHttpDeny: "POLICY_HTTP_DENY",
  policyHttpTlsDirectory: "POLICY_HTTP_TLS_DIRECTORY",
  policyHttpMaxBodyBytes: "POLICY_HTTP_MAX_BODY_BYTES",
  trustedProxies: "TRUSTED_PROXIES",
  /** Seconds the application may take to answer with a response head; 0: no limit. */
  targetTimeoutSeconds: "TARGET_TIMEOUT_SECONDS",
  maxRequestsInFlight: "MAX_REQUESTS_IN_FLIGHT",
  drainDelaySeconds: "DRAIN_DELAY_SECONDS",
  /** Seconds after the drain delay that requests in flight may take to finish. */
  drainTimeoutSeconds: "DRAIN_TIMEOUT_SECONDS",
  logLevel: "LOG_LEVEL",
  logFormat: "LOG_FORMAT",
  logDestination: "LOG_DESTINATION",
  /** Decide and record, refuse nothing. */
  shadowMode: "SHADOW_MODE",
  /** `GET /health,* /static/*`: allowed while no decision can be had. */
  degradedRoutes: "DEGRADED_ROUTES",
  enableAuditLog: "ENABLE_AUDIT_LOG",
  /** `availability` or `auditability`. */
  auditMode: "AUDIT_MODE",
  /** Comma-separated JSON pointers into the audit record: `/input/attributes/request/http/host`. */
  auditMasks: "AUDIT_MASKS",
  auditLogDestination: "AUDIT_LOG_DESTINATION",
  auditLogFile: "AUDIT_LOG_FILE",
  otelEnabled: "OTEL_ENABLED",
  otelExporterOtlpEndpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
  otelServiceName: "OTEL_SERVICE_NAME",
  /** Unguessable path segment of probes and the drain hook; empty: neither is served. */
  adminToken: "ADMIN_TOKEN",
  /** JSON array of `Probe`. */
  probes: "PROBES",
  podName: "POD_NAME",
  podNamespace: "POD_NAMESPACE",
} as const;

/** Of bundles (RFC 7518, section 3.1). */
export const signatureAlgorithms = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "HS256", "HS384", "HS512"] as const),
] as const;
