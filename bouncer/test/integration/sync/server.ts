/** A server of bundles whose every answer the test decides, and a bridge without a mind of its own. */
import { execFileSync } from "node:child_process";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { bouncerMessageSchema, type BouncerMessage } from "bouncer-bridge/protocol";
import * as v from "valibot";
import { type WebSocket, WebSocketServer } from "ws";

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Self-signed: its own authority. */
export function createCertificate(name = "IP:127.0.0.1"): Pem {
  const command = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -addext subjectAltName=${name} -keyout - -out -`;
  try {
    const pem = execFileSync("openssl", command.split(" "), { encoding: "utf8", stdio: "pipe" });
    const at = pem.indexOf("-----BEGIN CERTIFICATE-----");
    return { cert: pem.slice(at), key: pem.slice(0, at) };
  } catch (error) {
    throw new Error("Cannot make a certificate: apt-get install openssl", { cause: error });
  }
}

/** What happened, in order, and a way to wait for what is next. */
export class Events<T> {
  readonly all: T[] = [];
  #next = 0;
  #arrived = Promise.withResolvers<void>();

  push(event: T): void {
    this.all.push(event);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  /** The first one that nobody has taken yet. */
  async take(): Promise<T> {
    for (;;) {
      const event = this.all[this.#next];
      if (event !== undefined) {
        this.#next += 1;
        return event;
      }
      await this.#arrived.promise;
    }
  }
}

export interface TestServer extends AsyncDisposable {
  readonly origin: string;
  readonly requests: Events<IncomingMessage>;
  readonly hellos: Events<IncomingMessage>;
  readonly messages: Events<BouncerMessage>;
  /** Messages that are not looked at: with `isOld`, all of them. */
  readonly raw: Events<unknown>;
  readonly sockets: Events<WebSocket>;
  /** Ends every connection at once, without a word. */
  cut(): void;
}

export interface ServerOptions {
  readonly tls?: Pem;
  readonly answer?: RequestListener;
  /** Knows nothing of the version of the protocol that is current. */
  readonly isOld?: boolean;
  /** Stays silent after the handshake: answers no ping. */
  readonly isDeaf?: boolean;
  /** Status of the answer to every handshake; 0 never answers. */
  readonly refuseUpgrade?: number;
}

export async function startServer(options: ServerOptions): Promise<TestServer> {
  const requests = new Events<IncomingMessage>();
  const hellos = new Events<IncomingMessage>();
  const messages = new Events<BouncerMessage>();
  const raw = new Events<unknown>();
  const sockets = new Events<WebSocket>();
  const open = new Set<Socket>();
  const listener: RequestListener = (request, response) => {
    requests.push(request);
    if (options.answer === undefined) response.writeHead(404).end();
    else options.answer(request, response);
  };
  const server =
    options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  const bridge = new WebSocketServer({ noServer: true, autoPong: options.isDeaf !== true });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (options.refuseUpgrade !== undefined) {
      hellos.push(request);
      if (options.refuseUpgrade === 0) return;
      socket.end(`HTTP/1.1 ${options.refuseUpgrade} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    bridge.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => undefined);
      webSocket.on("message", (data: Buffer) => {
        const message: unknown = JSON.parse(data.toString());
        if (options.isOld === true) raw.push(message);
        else messages.push(v.parse(bouncerMessageSchema, message));
      });
      hellos.push(request);
      sockets.push(webSocket);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    origin: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`,
    requests,
    hellos,
    messages,
    raw,
    sockets,
    cut,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
