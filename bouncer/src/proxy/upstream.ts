/**
 * Connections to one port of the application. The only importer of undici on the request path.
 */
import { connect, type Socket } from "node:net";
import { Client, type Dispatcher, Pool } from "undici";
import type { Target } from "../config/value.ts";
import type { RefusalReason } from "../errors.ts";

export type { Dispatcher } from "undici";

/** The application is in the same pod: it accepts at once or it is not there. */
const connectTimeoutMs = 3000;

type ConnectCallback = (...result: [null, Socket] | [Error, null]) => void;

export interface Upstream {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
  /** On a connection of its own: a pooled one has just turned out to be dead. */
  dispatchFresh(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
  close(): Promise<void>;
}

export function formatAuthority({ host, port }: Target): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function createUpstream(target: Target): Upstream {
  const origin = `http://${formatAuthority(target)}`;
  const options = {
    connect: (_options: unknown, callback: ConnectCallback) => {
      openSocket(target, callback);
    },
    pipelining: 1,
    // The time to the response head is limited in forward.ts; streams are not limited at all.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Below what servers commonly grant an idle connection; a Keep-Alive header overrides it.
    keepAliveTimeout: 4000,
    maxHeaderSize: 64 * 1024,
    allowH2: false,
  };
  const pool = new Pool(origin, { ...options, connections: null });
  return {
    dispatch: (request, handler) => {
      pool.dispatch(request, handler);
    },
    dispatchFresh: (request, handler) => {
      const client = new Client(origin, options);
      client.dispatch({ ...request, reset: true }, handler);
      client.close().catch(() => {
        // The request itself has been told.
      });
    },
    close: () => pool.destroy(),
  };
}

/** Half-open connections are allowed: upgraded ones are carried through in both directions. */
export function openSocket(target: Target, callback: ConnectCallback): void {
  const socket = connect({
    host: target.host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    allowHalfOpen: true,
  });
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" }));
  }, connectTimeoutMs);
  const onError = (error: Error): void => {
    clearTimeout(timer);
    callback(error, null);
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    clearTimeout(timer);
    socket.off("error", onError);
    callback(null, socket);
  });
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

const unreachable = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
  "EMFILE",
]);
const ours = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);
const died = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** Which refusal an upstream error is. */
export function reasonOf(error: Error): RefusalReason {
  const code = codeOf(error);
  if (unreachable.has(code)) return "app_unreachable";
  return ours.has(code) ? "internal" : "app_failed";
}

/** The connection ended; whether the request was seen, nobody knows. */
export function isConnectionLoss(error: Error): boolean {
  return died.has(codeOf(error));
}
