/**
 * The WebSocket side: who is connected, and a hint to each whenever one of its bundles changes. A
 * peer has one hint in flight at most; changes in between become one later hint of the newest state.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { describeRefusal } from "./answer.ts";
import type { Authentication, Identity } from "./authenticate.ts";
import { messageOf, type ErrorCode } from "./errors.ts";
import type { Connection, Fleet } from "./fleet.ts";
import {
  bundlesPath,
  closeCode,
  type Hello,
  type Hint,
  limits,
  type Status,
  syncPath,
} from "./protocol.ts";
import type { Rollouts } from "./rollouts.ts";
import type { BundleSource } from "./source.ts";
import { decodeHello, decodeStatus, encodeHint, toText } from "./wire.ts";

export interface SyncOptions {
  readonly source: Pick<BundleSource, "get" | "subscribe">;
  readonly rollouts: Pick<Rollouts, "termsFor" | "hear" | "subscribe">;
  readonly authenticate: (authorization: string | undefined) => Promise<Authentication>;
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly now: () => number;
  readonly onHint: () => void;
  readonly onStatus: (status: Status) => void;
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

/** One report for each hint is what the protocol needs; this is far above it. */
const maxMessagesPerHeartbeat = 100;

/**
 * Hints that nobody has answered yet, over all peers. A fleet that is told at once pulls at once,
 * and each pull is another connection; this way the next are told when the first are done.
 */
const maxUnanswered = 256;
/** Then it counts as answered: bouncers of older versions may have nothing to say. */
const answerMs = 2_000;

interface Introduced {
  readonly hello: Hello;
  readonly connection: Connection;
  /** What the token says of the bouncer, or what it says itself. */
  readonly name: string;
  /** The last hint for each bundle, so that nothing is announced twice. */
  readonly announced: Map<string, string>;
}

interface Peer {
  readonly socket: WebSocket;
  readonly identity: Identity;
  readonly address: string;
  introduced: Introduced | null;
  /** Something was heard since the last ping. */
  alive: boolean;
  messages: number;
  sending: boolean;
  /** Runs while a hint has not been answered. */
  unanswered: NodeJS.Timeout | null;
  readonly helloTimer: NodeJS.Timeout;
}

export function createSync(options: SyncOptions): Sync {
  const { source, rollouts, fleet, log, now, timing } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const peers = new Set<Peer>();
  let closing = false;

  function drop(peer: Peer, code: ErrorCode): void {
    options.onDropped(code);
    log.warn({ code, bouncer: nameOf(peer), address: peer.address }, "bouncer dropped");
    // A peer that reads nothing gets no close frame either.
    if (code === "peer_silent") peer.socket.terminate();
    else peer.socket.close(closeCode.policyViolation, code);
  }

  function describe({ name }: Introduced, bundle: string): Hint | null {
    const served = source.get(bundle);
    if (served === null) return null;
    const { revision, sha256 } = served;
    const candidate = rollouts.termsFor(name, bundle);
    return { kind: "hint", bundle, revision, url: `${bundlesPath}${bundle}`, sha256, candidate };
  }

  /** The next thing that this peer does not know yet. */
  function findNews({ introduced }: Peer): string | null {
    if (introduced === null) return null;
    for (const bundle of introduced.hello.bundles) {
      const hint = describe(introduced, bundle);
      if (hint === null) continue;
      const encoded = encodeHint(hint, introduced.connection.protocol);
      if (introduced.announced.get(bundle) === encoded) continue;
      introduced.announced.set(bundle, encoded);
      return encoded;
    }
    return null;
  }

  /** Each of these has something to be told, as far as was known when it came into the line. */
  const line = new Set<Peer>();
  let unanswered = 0;

  function answered(peer: Peer): void {
    if (peer.unanswered === null) return;
    clearTimeout(peer.unanswered);
    peer.unanswered = null;
    unanswered -= 1;
    for (const next of line) {
      if (unanswered >= maxUnanswered) return;
      line.delete(next);
      announce(next);
    }
  }

  function announce(peer: Peer): void {
    if (peer.sending) return;
    if (peer.unanswered === null && unanswered >= maxUnanswered) {
      line.add(peer);
      return;
    }
    const news = findNews(peer);
    if (news === null) return;
    if (peer.unanswered === null) {
      unanswered += 1;
      peer.unanswered = setTimeout(() => answered(peer), answerMs);
    }
    peer.sending = true;
    options.onHint();
    peer.socket.send(news, (error) => {
      peer.sending = false;
      if (error === undefined || error === null) announce(peer);
    });
  }

  function receive(peer: Peer, data: RawData, isBinary: boolean): void {
    peer.alive = true;
    peer.messages += 1;
    if (peer.messages > maxMessagesPerHeartbeat) return drop(peer, "message_flood");
    const text = toText(data, isBinary);
    if (text === null) return drop(peer, "message_invalid");
    if (peer.introduced === null) return welcome(peer, text);
    const { connection, name, hello } = peer.introduced;
    const status = decodeStatus(text, connection.protocol, hello);
    if (status === null) return drop(peer, "message_invalid");
    answered(peer);
    fleet.report(connection, status, now());
    options.onStatus(status);
    for (const { bundle, revision, sha256, error } of status.bundles) {
      const level = error === null ? "debug" : "warn";
      log[level]({ bouncer: name, bundle, revision, sha256, error }, "bouncer reported");
    }
    rollouts.hear(name, status);
  }

  function welcome(peer: Peer, text: string): void {
    const greeting = decodeHello(text);
    if (greeting.kind === "refused") return drop(peer, greeting.code);
    clearTimeout(peer.helloTimer);
    const { hello, protocol } = greeting;
    const connection = { identity: peer.identity, address: peer.address, protocol };
    const name = peer.identity.pod ?? hello.bouncer;
    peer.introduced = { hello, connection, name, announced: new Map() };
    fleet.join(connection, hello, now());
    log.debug({ bouncer: name, version: hello.version, protocol }, "bouncer connected");
    announce(peer);
  }

  function accept(socket: WebSocket, identity: Identity, address: string): void {
    const peer: Peer = {
      socket,
      identity,
      address,
      introduced: null,
      alive: true,
      messages: 0,
      sending: false,
      unanswered: null,
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
      line.delete(peer);
      answered(peer);
      if (peer.introduced !== null) fleet.leave(peer.introduced.connection);
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
    const { identity } = authentication;
    const address = addressOf(request);
    server.handleUpgrade(request, socket, head, (webSocket) =>
      accept(webSocket, identity, address),
    );
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

  const announceAll = (): void => {
    for (const peer of peers) announce(peer);
  };
  const subscriptions = [source.subscribe(announceAll), rollouts.subscribe(announceAll)];

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
      for (const unsubscribe of subscriptions) unsubscribe();
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
  return peer.introduced?.name ?? peer.identity.pod ?? undefined;
}

/** On a dual-stack listener IPv4 addresses come mapped into IPv6 (RFC 4291, 2.5.5.2). */
function addressOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? "").replace(/^::ffff:(?=[0-9]+\.)/, "");
}

function refuseUpgrade(socket: Duplex, code: ErrorCode): void {
  const { status, headers, body } = describeRefusal(code);
  const lines = Object.entries({ ...headers, connection: "close" }).map(
    ([n, value]) => `${n}: ${value}`,
  );
  socket.end([`HTTP/1.1 ${status} ${code}`, ...lines, "", body].join("\r\n"));
}
