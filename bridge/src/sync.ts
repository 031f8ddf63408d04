/**
 * The WebSocket side: who is connected, and a hint to each whenever its bundle changes. A peer
 * holds one hint in flight at most; changes in between become one later hint with the newest state.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import * as v from "valibot";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { describeRefusal } from "./answer.ts";
import type { Authentication, Identity } from "./authenticate.ts";
import type { BundleDirectory } from "./directory.ts";
import { messageOf, type ErrorCode } from "./errors.ts";
import type { Connection, Fleet } from "./fleet.ts";
import {
  bouncerMessageSchema,
  bundlesPath,
  protocolVersion,
  syncPath,
  type BouncerMessage,
  type Hello,
  type Hint,
} from "./protocol.ts";

export interface SyncOptions {
  readonly directory: Pick<BundleDirectory, "get" | "subscribe">;
  readonly authenticate: (authorization: string | undefined) => Promise<Authentication>;
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly now: () => number;
  readonly onHint: () => void;
  readonly onDropped: (code: ErrorCode) => void;
  readonly timing: SyncTiming;
}

export interface SyncTiming {
  readonly helloMs: number;
  readonly heartbeatMs: number;
  /** How long peers have to answer the close frame at shutdown. */
  readonly closeMs: number;
}

export const syncTiming: SyncTiming = { helloMs: 10_000, heartbeatMs: 20_000, closeMs: 2_000 };

export interface Sync {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Sends close frames (1001, going away) and resolves when every peer is gone. */
  close(): Promise<void>;
}

const maxMessageBytes = 16 * 1024;
/** One report for each hint is what the protocol needs; this is far above it. */
const maxMessagesPerHeartbeat = 100;

/** RFC 6455, 7.4.1. */
const closeCode = { goingAway: 1001, policyViolation: 1008 } as const;

interface Peer {
  readonly socket: WebSocket;
  readonly connection: Connection;
  hello: Hello | null;
  /** Something was heard since the last ping. */
  alive: boolean;
  messages: number;
  sending: boolean;
  /** What was announced last, so that nothing is announced twice. */
  announced: string | null;
  readonly helloTimer: NodeJS.Timeout;
}

export function createSync(options: SyncOptions): Sync {
  const { directory, fleet, log, now, timing } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const peers = new Set<Peer>();
  let closing = false;

  function drop(peer: Peer, code: ErrorCode): void {
    options.onDropped(code);
    log.warn({ code, bouncer: nameOf(peer), address: peer.connection.address }, "bouncer dropped");
    // A peer that reads nothing gets no close frame either.
    if (code === "peer_silent") peer.socket.terminate();
    else peer.socket.close(closeCode.policyViolation, code);
  }

  function announce(peer: Peer): void {
    if (peer.hello === null || peer.sending) return;
    const bundle = directory.get(peer.hello.bundle);
    if (bundle === null || bundle.sha256 === peer.announced) return;
    const hint: Hint = {
      kind: "hint",
      revision: bundle.revision,
      url: `${bundlesPath}${bundle.name}`,
      sha256: bundle.sha256,
    };
    peer.sending = true;
    peer.announced = bundle.sha256;
    options.onHint();
    peer.socket.send(JSON.stringify(hint), (error) => {
      peer.sending = false;
      if (error === undefined || error === null) announce(peer);
    });
  }

  function receive(peer: Peer, data: RawData, isBinary: boolean): void {
    peer.alive = true;
    peer.messages += 1;
    if (peer.messages > maxMessagesPerHeartbeat) return drop(peer, "message_flood");
    const message = isBinary ? null : parseMessage(data);
    if (message === null) return drop(peer, "message_invalid");
    if (message.kind === "hello") return welcome(peer, message);
    if (peer.hello === null) return drop(peer, "hello_missing");
    fleet.report(peer.connection, message, now());
    const { revision, sha256, error } = message;
    const level = error === null ? "debug" : "warn";
    log[level]({ bouncer: nameOf(peer), revision, sha256, error }, "bouncer reported");
  }

  function welcome(peer: Peer, hello: Hello): void {
    if (hello.protocol !== protocolVersion) return drop(peer, "protocol_unsupported");
    if (peer.hello !== null) return drop(peer, "message_invalid");
    clearTimeout(peer.helloTimer);
    peer.hello = hello;
    fleet.join(peer.connection, hello, now());
    log.debug({ bouncer: nameOf(peer), version: hello.version }, "bouncer connected");
    announce(peer);
  }

  function accept(socket: WebSocket, connection: Connection): void {
    const peer: Peer = {
      socket,
      connection,
      hello: null,
      alive: true,
      messages: 0,
      sending: false,
      announced: null,
      helloTimer: setTimeout(() => drop(peer, "hello_missing"), timing.helloMs),
    };
    peers.add(peer);
    socket.on("message", (data, isBinary) => receive(peer, data, isBinary));
    for (const event of ["ping", "pong"] as const) {
      socket.on(event, () => {
        peer.alive = true;
      });
    }
    // Too large, not UTF-8, bad framing, reset: ws closes the connection itself.
    socket.on("error", (error) => log.debug({ problem: messageOf(error) }, "socket error"));
    socket.on("close", () => {
      clearTimeout(peer.helloTimer);
      peers.delete(peer);
      fleet.leave(connection);
    });
    if (closing) socket.close(closeCode.goingAway);
  }

  async function handshake(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if ((request.url ?? "").split("?", 1)[0] !== syncPath)
      return refuseUpgrade(socket, "not_found");
    const authentication = await options.authenticate(request.headers.authorization);
    if (socket.destroyed) return;
    if (authentication.kind === "refusal") return refuseUpgrade(socket, authentication.code);
    if (closing) return refuseUpgrade(socket, "closing");
    const connection = connectionOf(request, authentication.identity);
    server.handleUpgrade(request, socket, head, (webSocket) => accept(webSocket, connection));
  }

  const heartbeat = setInterval(() => {
    for (const peer of peers) {
      if (!peer.alive) {
        drop(peer, "peer_silent");
        continue;
      }
      peer.alive = false;
      peer.messages = 0;
      peer.socket.ping();
    }
  }, timing.heartbeatMs);
  heartbeat.unref();

  const unsubscribe = directory.subscribe((name) => {
    for (const peer of peers) if (peer.hello?.bundle === name) announce(peer);
  });

  return {
    upgrade(request, socket, head) {
      // The socket has no other listener until ws takes it over; `close` follows an error.
      socket.on("error", (error) => log.debug({ problem: messageOf(error) }, "upgrade aborted"));
      handshake(request, socket, head).catch((error: unknown) => {
        log.error({ problem: messageOf(error) }, "upgrade failed");
        socket.destroy();
      });
    },
    async close() {
      closing = true;
      clearInterval(heartbeat);
      unsubscribe();
      const gone = [...peers].map(async ({ socket }) => {
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.close(closeCode.goingAway);
        const late = setTimeout(() => socket.terminate(), timing.closeMs);
        await closed;
        clearTimeout(late);
      });
      await Promise.all(gone);
    },
  };
}

function nameOf(peer: Peer): string | undefined {
  return peer.connection.identity.pod ?? peer.hello?.bouncer;
}

function connectionOf(request: IncomingMessage, identity: Identity): Connection {
  // On a dual-stack listener IPv4 addresses come mapped into IPv6 (RFC 4291, 2.5.5.2).
  const address = (request.socket.remoteAddress ?? "").replace(/^::ffff:(?=[0-9]+\.)/, "");
  return { identity, address };
}

function parseMessage(data: RawData): BouncerMessage | null {
  try {
    const text = Buffer.isBuffer(data) ? data.toString("utf8") : "";
    const parsed = v.safeParse(bouncerMessageSchema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

function refuseUpgrade(socket: Duplex, code: ErrorCode): void {
  const { status, headers, body } = describeRefusal(code);
  const lines = Object.entries({ ...headers, connection: "close" }).map(
    ([n, value]) => `${n}: ${value}`,
  );
  socket.end([`HTTP/1.1 ${status} ${code}`, ...lines, "", body].join("\r\n"));
}
