/**
 * A bouncer as far as the bridge sees it: says hello, pulls what is hinted, checks its hash, reports,
 * comes back. Hundreds of them fit into one process, unlike real ones.
 */
import { createHash } from "node:crypto";
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { createSecureContext } from "node:tls";
import * as v from "valibot";
import { WebSocket } from "ws";
import { bridgeMessageSchema, type Hint } from "../../src/protocol.ts";

export interface FleetOptions {
  readonly port: number;
  /** PEM of the bridge's authority. */
  readonly ca: string;
  /** File name of the bundle that all of them follow. */
  readonly bundle: string;
  readonly token: (index: number) => string;
  /** Before another attempt, whichever it is. */
  readonly delayMs: () => number;
  /** A bouncer has pulled and checked this. */
  readonly onEnforced: (index: number, sha256: string) => void;
}

export interface SimulatedFleet {
  /** By the index of the bouncer; empty: nothing yet. */
  readonly enforced: readonly string[];
  connected(): number;
  close(): void;
}

export function startFleet(count: number, options: FleetOptions): SimulatedFleet {
  const enforced = Array.from({ length: count }, () => "");
  // One for all: making it takes longer than a handshake.
  const secureContext = createSecureContext({ ca: options.ca });
  const agent = new Agent({ secureContext, servername: "localhost", maxCachedSessions: 0 });
  const sockets = new Map<number, WebSocket>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  function later(run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed) run();
    }, options.delayMs());
    timers.add(timer);
  }

  function report(socket: WebSocket, sha256: string): void {
    const bundle = { bundle: options.bundle, revision: "r", sha256, error: null, candidate: null };
    const status = { kind: "status", bundles: [bundle], decisions: 0, refused: 0 };
    socket.send(JSON.stringify(status));
  }

  async function follow(index: number, socket: WebSocket, hint: Hint): Promise<void> {
    if (enforced[index] !== hint.sha256) {
      const bytes = await pull(hint.url, options, { agent, token: options.token(index) });
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      // Replaced meanwhile: another hint is on its way.
      if (sha256 !== hint.sha256) return;
      enforced[index] = sha256;
      options.onEnforced(index, sha256);
    }
    if (socket.readyState === WebSocket.OPEN) report(socket, hint.sha256);
  }

  function connect(index: number): void {
    const socket = new WebSocket(`wss://127.0.0.1:${options.port}/v1/sync`, {
      agent,
      perMessageDeflate: false,
      headers: { authorization: `Bearer ${options.token(index)}` },
    });
    sockets.set(index, socket);
    socket.on("open", () => {
      const about = { bouncer: `load/bouncer-${index}`, version: "1.0.0" };
      const bundles = [options.bundle];
      socket.send(JSON.stringify({ kind: "hello", protocol: 2, ...about, bundles }));
    });
    const take = (hint: Hint): void => {
      follow(index, socket, hint).catch(() => {
        later(() => {
          if (sockets.get(index) === socket) take(hint);
        });
      });
    };
    socket.on("message", (data: Buffer) => {
      take(v.parse(bridgeMessageSchema, JSON.parse(data.toString("utf8"))));
    });
    // `close` follows.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(index);
      if (!closed) later(() => connect(index));
    });
  }

  for (let index = 0; index < count; index += 1) connect(index);
  return {
    enforced,
    connected: () =>
      [...sockets.values()].filter(({ readyState }) => readyState === WebSocket.OPEN).length,
    close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets.values()) socket.terminate();
      agent.destroy();
    },
  };
}

interface Asking {
  readonly agent: Agent;
  readonly token: string;
}

async function pull(path: string, options: FleetOptions, { agent, token }: Asking) {
  const outgoing = request({
    host: "127.0.0.1",
    port: options.port,
    path,
    agent,
    headers: { authorization: `Bearer ${token}` },
  });
  outgoing.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
  });
  const bytes = await buffer(response);
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return bytes;
}
