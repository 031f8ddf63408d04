/** Sockets to servers elsewhere, in the clear or with TLS, which is loaded when it is asked for. */
import { connect, isIP, type Socket } from "node:net";

export interface Place {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

/** PEM; what is left out is Node's own. */
export interface Identity {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const connectTimeoutMs = 5000;

export function placeOf(url: URL): Place {
  const isSecure = url.protocol === "https:" || url.protocol === "wss:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, isSecure };
}

/** Resolves when it can be written to. */
export async function openSocket(place: Place, identity: Identity): Promise<Socket> {
  const { host, port, isSecure } = place;
  const ready = Promise.withResolvers<void>();
  const socket = isSecure
    ? (await import("node:tls")).connect({
        host,
        port,
        ...identity,
        // Of an address there is no name to ask for (RFC 6066, section 3).
        servername: isIP(host) === 0 ? host : "",
        ALPNProtocols: ["http/1.1"],
      })
    : connect({ host, port });
  socket.once(isSecure ? "secureConnect" : "connect", ready.resolve);
  socket.once("error", ready.reject);
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no connection within ${connectTimeoutMs / 1000} seconds`));
  }, connectTimeoutMs);
  try {
    await ready.promise;
  } finally {
    clearTimeout(timer);
    socket.off("error", ready.reject);
  }
  return socket.setNoDelay();
}
