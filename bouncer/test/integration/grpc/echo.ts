/** A gRPC service of bytes with one call of each kind, and its client. */
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerOptions,
} from "@grpc/grpc-js";

/** Messages are bytes. */
export function same(bytes: Buffer): Buffer {
  return bytes;
}

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export const methods = {
  unary: method("Unary", false, false),
  collect: method("Collect", true, false),
  repeat: method("Repeat", false, true),
  echo: method("Echo", true, true),
};

export interface EchoHandlers {
  unary: handleUnaryCall<Buffer, Buffer>;
  collect: handleClientStreamingCall<Buffer, Buffer>;
  repeat: handleServerStreamingCall<Buffer, Buffer>;
  echo: handleBidiStreamingCall<Buffer, Buffer>;
}

export interface EchoServer {
  readonly server: Server;
  readonly port: number;
}

const maxBytes = 64 * 1024 * 1024;

export async function startEcho(
  handlers: EchoHandlers,
  options: ServerOptions = {},
): Promise<EchoServer> {
  const server = new Server({ "grpc.max_receive_message_length": maxBytes, ...options });
  server.addService(methods, { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { server, port };
}

export function createClient(port: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxBytes,
    // Each test has connections of its own.
    "grpc.use_local_subchannel_pool": 1,
  });
}
