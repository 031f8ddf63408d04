/** nginx as a sidecar would be set up: bodies are streamed, connections reused, all else as it is. */
import type { Target } from "../row.ts";
import { createProgramTarget, type Passage, type Program } from "./program.ts";

export function configureNginx(passages: readonly Passage[], folder: string): string {
  const parts = passages.map(
    ({ from, to }) => `
  upstream app${from} {
    server 127.0.0.1:${to} max_fails=0;
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${from};
    location / {
      proxy_pass http://app${from};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_to_app;
      proxy_buffering off;
      proxy_request_buffering off;
    }
  }`,
  );
  return `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 4000; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_upgrade $connection_to_app { default upgrade; "" ""; }
${parts.join("")}
}
`;
}

export function createNginx(program: Program): Target {
  return createProgramTarget({
    name: "nginx",
    program,
    configure: configureNginx,
    args: (file) => ["-e", "stderr", "-c", file],
  });
}
