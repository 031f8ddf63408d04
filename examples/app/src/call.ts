/**
 * A gRPC client for trying by hand what stands in front of the app: messages in and out are text,
 * one line each, and the last line is the status of the call.
 */
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";

export interface Call {
  /** `host:port`. */
  readonly address: string;
  /** `/example.Orders/Get`. */
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly messages: readonly string[];
}

/** `call HOST:PORT METHOD [name=value]... [{...}]...`; null: that is not what was given. */
export function parseCall([address, method, ...rest]: readonly string[]): Call | null {
  if (address === undefined || method?.startsWith("/") !== true) return null;
  const messages = rest.filter((text) => text.startsWith("{"));
  const pairs = rest.filter((text) => !text.startsWith("{")).map((text) => text.split(/=(.*)/s));
  const headers = pairs.flatMap(([name, value]) =>
    name === undefined || value === undefined ? [] : [[name, value] as const],
  );
  if (headers.length !== pairs.length) return null;
  return { address, method, headers, messages: messages.length === 0 ? ["{}"] : messages };
}

/** Resolves when the call is over: whether its status is OK. */
export async function makeCall(call: Call, print: (line: string) => void): Promise<boolean> {
  const client = new Client(call.address, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, value] of call.headers) metadata.add(name, value);
  // On the wire, a call of every other kind is one of these with fewer messages.
  const stream = client.makeBidiStreamRequest(
    call.method,
    (text: string) => Buffer.from(text),
    (bytes: Buffer) => bytes.toString("utf8"),
    metadata,
  );
  const { promise, resolve } = Promise.withResolvers<boolean>();
  stream.on("data", (text: string) => print(text));
  // Told by the status as well.
  stream.on("error", () => undefined);
  stream.on("status", ({ code, details }) => {
    print(JSON.stringify({ code, status: status[code], details }));
    resolve(code === status.OK);
  });
  for (const message of call.messages) stream.write(message);
  stream.end();
  try {
    return await promise;
  } finally {
    client.close();
  }
}
