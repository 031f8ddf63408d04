/**
 * HAProxy as a sidecar: one thread, connections to the application reused. It would not start where
 * so many clients could not have a connection to the application each, which they never need. Pure.
 */
import type { Ports } from "../ports.ts";

export interface Passage {
  readonly from: Ports;
  readonly to: Ports;
  readonly hasLog: boolean;
}

export function buildHaproxy({ from, to, hasLog }: Passage): string {
  const log = hasLog ? "  log global\n  option httplog\n" : "";
  const passage = (name: keyof Ports, options: string) => `
frontend ${name}
  bind 127.0.0.1:${from[name]}${options}
  default_backend ${name}-app

backend ${name}-app
  http-reuse always
  server app 127.0.0.1:${to[name]}${options}
`;
  return `global
  nbthread 1
  maxconn 11000
  no strict-limits
${hasLog ? "  log stdout format raw local0\n" : ""}
defaults
  mode http
${log}  option http-keep-alive
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout tunnel 1h
${passage("plain", "")}${passage("sink", "")}${passage("grpc", " proto h2")}`;
}
