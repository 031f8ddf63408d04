/**
 * One request over a connection of its own: what a bouncer asks of others is minutes apart, and a
 * client with pools and retries would be more of the program than all that asks.
 */
import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { type Identity, openSocket, type Place, placeOf } from "./connect.ts";

export interface RequestOptions {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** To the head of the answer. */
  readonly headMs: number;
  /** Between two pieces of the answer's body. */
  readonly pauseMs: number;
  readonly signal?: AbortSignal;
  /** Asked for each connection: whoever renews certificates restarts nothing. */
  readonly identify?: () => Promise<Identity>;
}

const noIdentity = (): Promise<Identity> => Promise.resolve({});

/** Rejects when there is no answer; whoever takes it reads its body to the end, or destroys it. */
export function ask(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const { method = "GET", body, headMs, pauseMs, signal, identify = noIdentity } = options;
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const headers = { host: url.host, ...options.headers, ...length };
  const answered = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({
    method,
    path: `${url.pathname}${url.search}`,
    headers,
    ...(signal === undefined ? {} : { signal }),
    createConnection: connector(placeOf(url), identify),
  });
  outgoing.once("error", (error) => {
    // What aborts a request says why.
    answered.reject(signal?.aborted === true ? signal.reason : error);
  });
  outgoing.setTimeout(headMs, () => {
    outgoing.destroy(new Error(`no answer within ${headMs / 1000} seconds`));
  });
  outgoing.once("response", (incoming) => {
    outgoing.removeAllListeners("timeout");
    incoming.setTimeout(pauseMs, () => {
      incoming.destroy(new Error(`nothing more came within ${pauseMs / 1000} seconds`));
    });
    answered.resolve(incoming);
  });
  outgoing.end(body);
  return answered.promise;
}

type Created = (error: Error | null, socket: Socket) => void;

/** As `createConnection` of Node's clients; `onSocket` is told before they are. */
export function connector(
  place: Place,
  identify: () => Promise<Identity>,
  onSocket?: (socket: Socket) => void,
): (options: unknown, created: Created) => undefined {
  const open = async (created: Created): Promise<void> => {
    try {
      const socket = await openSocket(place, await identify());
      onSocket?.(socket);
      created(null, socket);
    } catch (error) {
      // After a failure there is none, whatever the types say.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      created(error instanceof Error ? error : new Error(String(error)), null as never);
    }
  };
  return (_options, created) => {
    void open(created);
    return undefined;
  };
}

/** null when it is larger. */
export async function readBounded(
  body: AsyncIterable<unknown>,
  maxBytes: number,
): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
