/**
 * The gRPC port: the standard `grpc.health.v1.Health` service, whose two messages are small enough
 * to write down, and the example's own.
 */
import { Server, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { createOrders, orders } from "./orders.ts";

/** grpc/health/v1/health.proto, `ServingStatus`. */
const servingStatus = { serving: 1, notServing: 2 } as const;

/** `HealthCheckResponse { ServingStatus status = 1; }` in protobuf's wire format. */
export function encodeStatus(healthy: boolean): Buffer {
  const fieldOneVarint = 0x08;
  return Buffer.from([fieldOneVarint, healthy ? servingStatus.serving : servingStatus.notServing]);
}

const health: ServiceDefinition = {
  check: {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    // The request names a service; this app is one service, whatever it is called.
    requestSerialize: (request: Buffer) => request,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: encodeStatus,
    responseDeserialize: (bytes: Buffer) => bytes[1] === servingStatus.serving,
  },
};

export function createGrpcServer(pod: string, isHealthy: () => boolean): Server {
  const server = new Server();
  const implementation: UntypedServiceImplementation = {
    check: (_call: unknown, respond: (error: null, healthy: boolean) => void): void => {
      respond(null, isHealthy());
    },
  };
  server.addService(health, implementation);
  server.addService(orders, createOrders(pod));
  return server;
}
