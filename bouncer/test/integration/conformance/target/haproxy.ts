/** HAProxy as a sidecar would be set up: bodies are streamed, connections reused, all else as it is. */
import type { Target } from "../row.ts";
import { createProgramTarget, type Passage, type Program } from "./program.ts";

export function configureHaproxy(passages: readonly Passage[]): string {
  const parts = passages.map(
    ({ from, to }) => `
frontend f${from}
  bind 127.0.0.1:${from}
  default_backend b${from}
backend b${from}
  http-reuse always
  server app 127.0.0.1:${to}
`,
  );
  return `global
  nbthread 1
  maxconn 4000
  no strict-limits
defaults
  mode http
  option http-keep-alive
  option forwardfor
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout tunnel 120s
${parts.join("")}`;
}

export function createHaproxy(program: Program): Target {
  return createProgramTarget({
    name: "HAProxy",
    program,
    configure: configureHaproxy,
    args: (file) => ["-db", "-q", "-f", file],
  });
}
