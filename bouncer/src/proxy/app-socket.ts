/** A connection to the application as a socket, for what is no HTTP to us. */
import { connect, type Socket } from "node:net";
import type { Target } from "../config/value.ts";
import type { RefusalReason } from "../errors.ts";

/** The application is in the same pod: it accepts at once or it is not there. */
export const connectTimeoutMs = 3000;

export type ConnectCallback = (...result: [null, Socket] | [Error, null]) => void;

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

const ours = new Set(["ERR_SOCKET_BAD_PORT", "ERR_INVALID_ARG_TYPE"]);

/** Which refusal it is that no connection was made. */
export function reasonOf(error: Error): RefusalReason {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return ours.has(code) ? "internal" : "app_unreachable";
}

export function formatAuthority({ host, port }: Target): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
