/** Puts the app's ports together, and closes them in the order that loses no request. */
import { ServerCredentials, type Server as GrpcServer } from "@grpc/grpc-js";
import { once } from "node:events";
import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "./config.ts";
import { createGrpcServer } from "./grpc.ts";
import { createHttpServer } from "./http.ts";
import { createTcpPort, type TcpPort } from "./tcp.ts";

export interface App {
  readonly httpPort: number;
  readonly secondPort: number | undefined;
  readonly grpcPort: number | undefined;
  readonly tcp: TcpPort | undefined;
  /** Looks at the app's health again, and opens or closes the TCP port by it. */
  readonly refresh: () => Promise<void>;
  /** Goes on serving for the drain time, finishes what has begun, and closes. */
  readonly close: () => Promise<void>;
}

export async function startApp(config: Config, isHealthy: () => boolean): Promise<App> {
  const options = { pod: config.pod, isHealthy };
  const http = await listen(createHttpServer(options), config.httpPort);
  const second =
    config.secondPort === undefined
      ? undefined
      : await listen(createHttpServer(options), config.secondPort);
  const grpc =
    config.grpcPort === undefined
      ? undefined
      : await bind(createGrpcServer(config.pod, isHealthy), config.grpcPort);
  const tcp = config.tcpPort === undefined ? undefined : createTcpPort(config.tcpPort);
  await tcp?.setOpen(isHealthy());

  const listeners = second === undefined ? [http] : [http, second];
  return {
    httpPort: http.port,
    secondPort: second?.port,
    grpcPort: grpc?.port,
    tcp,
    refresh: async () => tcp?.setOpen(isHealthy()),
    close: async () => {
      await delay(config.drainSeconds * 1000);
      await Promise.all([
        ...listeners.map(async ({ server }) => finish(server)),
        tcp?.setOpen(false),
        grpc === undefined ? undefined : shutDown(grpc.server),
      ]);
    },
  };
}

interface Listening<S> {
  readonly server: S;
  readonly port: number;
}

async function listen(server: Server, port: number): Promise<Listening<Server>> {
  server.listen(port, "::");
  await once(server, "listening");
  const address = server.address();
  return { server, port: address !== null && typeof address === "object" ? address.port : port };
}

async function finish(server: Server): Promise<void> {
  server.close();
  server.closeIdleConnections();
  await once(server, "close");
}

async function bind(server: GrpcServer, port: number): Promise<Listening<GrpcServer>> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`[::]:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve({ server, port: bound });
      else reject(error);
    });
  });
}

async function shutDown(server: GrpcServer): Promise<void> {
  return new Promise((resolve, reject) => {
    server.tryShutdown((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
