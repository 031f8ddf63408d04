/** Envoy as a sidecar: one worker, no limits that a load here would meet. Pure. */
import { buildRbac } from "../policy.ts";
import type { PortKind, Ports } from "../ports.ts";
import type { Passage } from "./haproxy.ts";

/** What decides, before the router. */
export type Filter =
  | { readonly kind: "none" }
  | { readonly kind: "rbac"; readonly rules: number }
  /** Port of a server that speaks ext_authz over HTTP. */
  | { readonly kind: "ext_authz"; readonly port: number };

const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;
const far = 4_000_000_000;

const limits = {
  thresholds: [
    { max_connections: far, max_pending_requests: far, max_requests: far, max_retries: far },
  ],
};

/** What the client spoke is what the application gets, as with the bouncer. */
const mirrored = { use_downstream_protocol_config: { http2_protocol_options: {} } };
const http1 = { explicit_http_config: { http_protocol_options: {} } };

function buildCluster(name: string, port: number, protocol: object): object {
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    circuit_breakers: limits,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(port) } }] }],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": type("upstreams.http.v3.HttpProtocolOptions"),
        ...protocol,
      },
    },
  };
}

const addressOf = (port: number): object => ({
  socket_address: { address: "127.0.0.1", port_value: port },
});

function buildFilters(filter: Filter): readonly object[] {
  if (filter.kind === "none") return [];
  if (filter.kind === "rbac") {
    const config = { "@type": type("filters.http.rbac.v3.RBAC"), rules: buildRbac(filter.rules) };
    return [{ name: "envoy.filters.http.rbac", typed_config: config }];
  }
  const everything = { patterns: [{ safe_regex: { regex: ".*" } }] };
  const config = {
    "@type": type("filters.http.ext_authz.v3.ExtAuthz"),
    transport_api_version: "V3",
    failure_mode_allow: false,
    allowed_headers: everything,
    http_service: {
      server_uri: { uri: "http://127.0.0.1", cluster: "authz", timeout: "5s" },
      path_prefix: "/check",
    },
  };
  return [{ name: "envoy.filters.http.ext_authz", typed_config: config }];
}

function buildListener(name: PortKind, port: number, options: Options): object {
  const manager = {
    "@type": type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: name,
    codec_type: "AUTO",
    access_log: options.hasLog
      ? [
          {
            name: "envoy.access_loggers.stdout",
            typed_config: { "@type": type("access_loggers.stream.v3.StdoutAccessLog") },
          },
        ]
      : [],
    upgrade_configs: [{ upgrade_type: "websocket" }],
    http_filters: [
      ...buildFilters(options.filter),
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": type("filters.http.router.v3.Router") },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name,
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: name, timeout: "0s" } }],
        },
      ],
    },
  };
  return {
    name,
    address: addressOf(port),
    filter_chains: [
      {
        filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
      },
    ],
  };
}

export interface Options extends Passage {
  readonly filter: Filter;
}

const kinds = ["plain", "sink", "grpc"] as const satisfies readonly (keyof Ports)[];

/** JSON, which Envoy takes as YAML. */
export function buildEnvoy(options: Options): string {
  const { from, to, filter } = options;
  const authz = filter.kind === "ext_authz" ? [buildCluster("authz", filter.port, http1)] : [];
  const bootstrap = {
    static_resources: {
      listeners: kinds.map((kind) => buildListener(kind, from[kind], options)),
      clusters: [...kinds.map((kind) => buildCluster(kind, to[kind], mirrored)), ...authz],
    },
  };
  return JSON.stringify(bootstrap);
}
