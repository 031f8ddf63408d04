/** The example application with gRPC, and a policy that knows its calls and its WebSocket. */
import { bridgeName } from "./environment.ts";
import { publish, reachedBridge } from "./install.ts";
import type { Manifest } from "./kubernetes.ts";
import { buildPolicy, buildPolicyOf } from "./policy.ts";
import type { Roles } from "./policy.ts";
import { appPort, service } from "./workloads.ts";

export const grpcPort = 9000;

/** Of the example application's container: HTTP on one port, gRPC on another. */
export const grpcContainer = {
  env: [{ name: "GRPC_PORT", value: String(grpcPort) }],
  ports: [
    { name: "http", containerPort: appPort },
    { name: "grpc", containerPort: grpcPort },
  ],
  readinessProbe: { grpc: { port: grpcPort }, periodSeconds: 1 },
};

export const grpcService = (namespace: string, name: string, fields = {}): Manifest =>
  service(namespace, name, "grpc", { port: grpcPort, ...fields });

const bundle = "streams.tar.gz";

/** Of a namespace: its bouncers have the policy that is published here. */
export const streamsPolicy = {
  "bouncer.dev/bundle-url": `https://${bridgeName}.bouncer-system.svc:8443/bundles/${bundle}`,
};

const streams = [
  { methods: ["GET"], path: "/ws" },
  { methods: ["POST"], path: "/example.Orders/*" },
];

const grantTo = (granted: readonly string[]) => (roles: Roles) =>
  Object.fromEntries(
    Object.entries(roles).map(([role, grants]) => [
      role,
      granted.includes(role) ? [...grants, ...streams] : grants,
    ]),
  );

/** Alice is an editor and a viewer, Bob a viewer. */
export async function publishStreams(granted: readonly ("viewer" | "editor")[]): Promise<void> {
  const path = await buildPolicyOf(`streams-${granted.join("-")}`, {
    roles: grantTo(granted),
    input: ["attributes.request.http.protocol"],
  });
  await publish({ "policy.tar.gz": await buildPolicy("usual"), [bundle]: path });
  await reachedBridge(bundle, path);
}

export async function publishUsual(): Promise<void> {
  await publish({ "policy.tar.gz": await buildPolicy("usual") });
}

export const bearer = (user: "alice" | "bob") => `Bearer ${user}-token`;

/** The command of a gRPC call, in the example application's image. */
export const grpcCall = (to: string, method: string, ...rest: readonly string[]) => [
  "node",
  "/app/main.mjs",
  "call",
  to,
  method,
  ...rest,
];
