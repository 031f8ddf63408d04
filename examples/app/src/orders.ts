/**
 * A gRPC service of every kind of call, whose messages are JSON: `Get` tells what it saw of the
 * call, `Watch` streams, `Talk` gives back each message as it comes.
 */
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { setTimeout as delay } from "node:timers/promises";

const encode = (message: unknown): Buffer => Buffer.from(JSON.stringify(message));
const decode = (bytes: Buffer): unknown =>
  bytes.length === 0 ? {} : JSON.parse(bytes.toString("utf8"));

const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/example.Orders/${name}`,
  requestStream,
  responseStream,
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
});

export const orders: ServiceDefinition = {
  get: method("Get", false, false),
  watch: method("Watch", false, true),
  talk: method("Talk", true, true),
};

export function createOrders(pod: string): UntypedServiceImplementation {
  return {
    get: (call: ServerUnaryCall<unknown, unknown>, respond: sendUnaryData<unknown>): void => {
      const { request } = call;
      respond(null, { pod, request, headers: call.metadata.getMap(), peer: call.getPeer() });
    },
    watch: (call: ServerWritableStream<unknown, unknown>): void => {
      watch(call).catch((error: unknown) => call.destroy(Error(String(error))));
    },
    talk: (call: ServerDuplexStream<unknown, unknown>): void => {
      call.on("data", (message: unknown) => call.write(message));
      call.on("end", () => call.end());
    },
  };
}

/** Asked with `{"ticks":3,"intervalMs":100}`. */
async function watch(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  const ticks = numberOf(call.request, "ticks", 3);
  const intervalMs = numberOf(call.request, "intervalMs", 100);
  for (let tick = 1; tick <= ticks && !call.cancelled; tick += 1) {
    call.write({ tick });
    if (tick < ticks) await delay(intervalMs);
  }
  call.end();
}

function numberOf(request: unknown, name: string, fallback: number): number {
  const isObject = typeof request === "object" && request !== null;
  const value = new Map<string, unknown>(isObject ? Object.entries(request) : []).get(name);
  return typeof value === "number" ? value : fallback;
}
