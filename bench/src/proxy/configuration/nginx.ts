/** nginx as a sidecar, and as the application that answers GET. One process each. Pure. */
import { askedService } from "../policy.ts";
import type { Passage } from "./haproxy.ts";

const start = (folder: string): string => `user root;
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 19000; }
`;

const http = (folder: string, accessLog: string): string => `
  access_log ${accessLog};
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;`;

/** Bodies are streamed both ways and connections reused, which by default they are not. */
export function buildNginx(passage: Passage, folder: string): string {
  const { from, to, hasLog } = passage;
  const upstream = (name: "plain" | "sink" | "grpc") => `
  upstream ${name} {
    server 127.0.0.1:${to[name]};
    keepalive 1024;
    keepalive_requests 100000000;
  }`;
  const server = (name: "plain" | "sink") => `
  server {
    listen 127.0.0.1:${from[name]} backlog=4096;
    location / {
      proxy_pass http://${name};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_to_app;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
  }`;
  return `${start(folder)}
http {${http(folder, hasLog ? "/dev/stdout" : "off")}
  map $http_upgrade $connection_to_app { default upgrade; "" ""; }
${upstream("plain")}${upstream("sink")}${upstream("grpc")}
${server("plain")}${server("sink")}
  server {
    listen 127.0.0.1:${from.grpc} http2 backlog=4096;
    http2_max_requests 100000000;
    location / { grpc_pass grpc://grpc; }
  }
}
`;
}

/** `bigFile`: what the path that ends in `/big` gives. */
export function buildApplication(port: number, folder: string, bigFile: string): string {
  return `${start(folder)}
http {${http(folder, "off")}
  sendfile on;
  tcp_nopush on;
  default_type text/plain;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /api/${askedService}/big { alias ${bigFile}; }
    location / { return 200 "${"0123456789abcdef".repeat(64)}"; }
  }
}
`;
}
