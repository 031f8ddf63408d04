/**
 * Envoy as a sidecar would be set up: as an edge that adds X-Forwarded-For, with HTTP/1.0, trailers
 * and upgrades switched on, all else as it is.
 */
import type { Target } from "../row.ts";
import { createProgramTarget, type Passage, type Program } from "./program.ts";

const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;

const addressOf = (port: number): object => ({
  socket_address: { address: "127.0.0.1", port_value: port },
});

function buildListener({ from }: Passage): object {
  const manager = {
    "@type": type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "http",
    use_remote_address: true,
    http_protocol_options: { accept_http_10: true, enable_trailers: true },
    upgrade_configs: [{ upgrade_type: "websocket" }, { upgrade_type: "echo" }],
    stream_idle_timeout: "0s",
    http_filters: [
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": type("filters.http.router.v3.Router") },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: `app${from}`, timeout: "0s" } }],
        },
      ],
    },
  };
  return {
    name: `listener${from}`,
    address: addressOf(from),
    filter_chains: [
      {
        filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
      },
    ],
  };
}

function buildCluster({ from, to }: Passage): object {
  return {
    name: `app${from}`,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: `app${from}`,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(to) } }] }],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": type("upstreams.http.v3.HttpProtocolOptions"),
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
      },
    },
  };
}

/** JSON, which Envoy takes as YAML. */
export function configureEnvoy(passages: readonly Passage[]): string {
  return JSON.stringify({
    static_resources: {
      listeners: passages.map(buildListener),
      clusters: passages.map(buildCluster),
    },
  });
}

export function createEnvoy(program: Program): Target {
  return createProgramTarget({
    name: "Envoy",
    program,
    configure: configureEnvoy,
    args: (file) => [
      "--config-path",
      file,
      "--concurrency",
      "1",
      "--log-level",
      "critical",
      "--disable-hot-restart",
    ],
  });
}
