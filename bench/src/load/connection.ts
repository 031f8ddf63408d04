/**
 * One keep-alive connection of the load generator: HTTP/1.1 over TLS, as the API server talks to
 * webhooks, one request at a time. Requests are ready bytes and answers are only skimmed, so that
 * the generator costs little beside what it measures.
 */
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";

export interface Target {
  readonly port: number;
  /** Authorities to trust, PEM. */
  readonly ca: string;
  readonly serverName: string;
}

export interface Connection {
  /** Resolves to the body of the answer. Throws when it is not 200. */
  ask(request: Uint8Array): Promise<Buffer>;
  close(): void;
}

const headEnd = Buffer.from("\r\n\r\n");

export async function openConnection(target: Target): Promise<Connection> {
  const { port, ca, serverName } = target;
  const socket = connect({ host: "127.0.0.1", port, ca, servername: serverName });
  await once(socket, "secureConnect");
  socket.setNoDelay(true);
  return createConnection(socket);
}

function createConnection(socket: TLSSocket): Connection {
  let waiting: PromiseWithResolvers<Buffer> | null = null;
  let received: Buffer[] = [];
  let length = 0;
  /** Of the whole answer; 0: its head has not arrived. */
  let expected = 0;
  let bodyStart = 0;

  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = null;
  };
  const readHead = (): void => {
    const bytes = Buffer.concat(received);
    received = [bytes];
    const end = bytes.indexOf(headEnd);
    if (end === -1) return;
    const head = bytes.toString("latin1", 0, end);
    if (!head.startsWith("HTTP/1.1 200 ")) {
      fail(new Error(`Cannot measure: answered ${head.slice(0, 60)}`));
      return;
    }
    const content = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (content === undefined) {
      fail(new Error("Cannot measure: the answer has no content-length"));
      return;
    }
    bodyStart = end + headEnd.length;
    expected = bodyStart + Number(content);
  };
  socket.on("data", (chunk: Buffer) => {
    received.push(chunk);
    length += chunk.length;
    if (expected === 0) readHead();
    if (expected === 0 || length < expected) return;
    const body = Buffer.concat(received).subarray(bodyStart, expected);
    received = [];
    length = 0;
    expected = 0;
    const { resolve } = waiting ?? {};
    waiting = null;
    resolve?.(body);
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("Cannot measure: the connection was closed")));

  return {
    ask: (request) => {
      if (!socket.writable) {
        return Promise.reject(new Error("Cannot measure: the connection is closed"));
      }
      waiting = Promise.withResolvers<Buffer>();
      socket.write(request);
      return waiting.promise;
    },
    close: () => socket.destroy(),
  };
}
