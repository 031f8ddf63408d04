/**
 * One row on its way: the raw connections of the client, the raw application, and the waiting for
 * what one of them gets. What should not come is shown by what comes after it, never by time; only
 * what should come and does not is given up at a deadline.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Expected, Malformed, type Message, Reader } from "./reader.ts";

/** Something else happened. The sentence is what the page says, so it names no ports and no times. */
export class Mismatch extends Error {}

/** One connection, of the client's or to the application, with all that was read from it. */
export class Wire {
  readonly socket: Socket;
  readonly reader = new Reader();
  /** The other side will send no more. */
  ended = false;
  /** Cut off, in place of an end. */
  failed = false;
  closed = false;
  /** We ended it. */
  dropped = false;
  /** It no longer carries HTTP. */
  isRaw = false;
  /** The message that is being read. */
  message: Message | null = null;

  constructor(socket: Socket, wake: () => void) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.reader.push(chunk);
      wake();
    });
    socket.on("end", () => {
      this.ended = true;
      wake();
    });
    socket.on("error", () => {
      this.failed = true;
      this.ended = true;
      wake();
    });
    socket.on("close", () => {
      this.closed = true;
      this.ended = true;
      wake();
    });
    socket.on("connect", wake);
    socket.on("drain", wake);
  }

  send(bytes: string | Buffer): void {
    if (this.socket.writable) {
      this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    }
  }

  /** The other side will neither send nor, as far as one can tell, read. */
  get isOver(): boolean {
    return this.ended || this.closed;
  }
}

export interface TrialOptions {
  readonly deadlineMs: number;
}

export class Trial {
  /** Where the target listens for this row. */
  port = 0;
  readonly clients = new Map<string, Wire>();
  /** Connections to the application, in the order in which they came. */
  readonly apps: Wire[] = [];
  /** The one whose request is being served. */
  app: Wire | null = null;
  /** What steps keep for later steps. */
  readonly notes = new Map<string, number>();
  readonly #server: Server;
  readonly #deadlineMs: number;
  readonly #wakes = new Set<() => void>();

  constructor({ deadlineMs }: TrialOptions) {
    this.#deadlineMs = deadlineMs;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.apps.push(new Wire(socket, this.wake));
      this.wake();
    });
  }

  /** The application's port. */
  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening on a port");
    return address.port;
  }

  readonly wake = (): void => {
    for (const wake of this.#wakes) wake();
  };

  async dial(name: string): Promise<Wire> {
    const known = this.clients.get(name);
    if (known !== undefined) return known;
    const socket = connect({ port: this.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.setNoDelay(true);
    const wire = new Wire(socket, this.wake);
    this.clients.set(name, wire);
    await this.until("a connection", () => (socket.connecting ? null : true));
    return wire;
  }

  client(name: string): Wire {
    const wire = this.clients.get(name);
    if (wire === undefined) throw new Error(`no client "${name}"`);
    return wire;
  }

  get serving(): Wire {
    if (this.app === null) throw new Error("no request was seen");
    return this.app;
  }

  /** Polls at every event until there is a result. */
  async until<T>(what: string, poll: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#wakes.delete(onEvent);
        act();
      };
      const attempt = (): void => {
        try {
          const result = poll();
          if (result !== null) {
            settle(() => {
              resolve(result);
            });
          }
        } catch (error) {
          const told =
            error instanceof Malformed ? new Mismatch(`${what}: ${error.message}`) : error;
          settle(() => {
            reject(told instanceof Error ? told : new Error("unknown"));
          });
        }
      };
      // From the last thing that happened: what is large may take its time.
      const timer = setTimeout(() => {
        settle(() => {
          reject(new Mismatch(`waits for ${what} in vain`));
        });
      }, this.#deadlineMs);
      const onEvent = (): void => {
        timer.refresh();
        attempt();
      };
      this.#wakes.add(onEvent);
      attempt();
    });
  }

  /** The next request that the application gets, of whichever connection; its head. */
  findRequest(): { readonly wire: Wire; readonly message: Message } | null {
    for (const wire of this.apps) {
      if (wire.isRaw) continue;
      if (wire.message !== null) wire.reader.pump(wire.ended && !wire.failed);
      if (wire.message !== null && !wire.message.isComplete) continue;
      const message = wire.reader.next({ kind: "request" });
      if (message !== null) {
        wire.message = message;
        return { wire, message };
      }
    }
    return null;
  }

  /** The next answer that a client gets; its head. */
  findResponse(wire: Wire, expected: Omit<Expected, "kind">): Message | null {
    if (wire.message !== null) wire.reader.pump(wire.ended && !wire.failed);
    if (wire.message !== null && !wire.message.isComplete) return null;
    const message = wire.reader.next({ kind: "response", ...expected });
    if (message !== null) wire.message = message;
    return message;
  }

  async close(): Promise<void> {
    for (const { socket } of [...this.clients.values(), ...this.apps]) socket.destroy();
    if (this.#server.listening) {
      this.#server.close();
      await once(this.#server, "close");
    }
  }
}
