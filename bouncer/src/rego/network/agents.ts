/**
 * Connections that policies make: kept alive, by what TLS is to do, and none to an address that the
 * guard does not permit.
 */
import { createHash } from "node:crypto";
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from "node:tls";
import { Agent, type buildConnector } from "undici";
import { HttpFailure } from "./failure.ts";
import type { Guard } from "./guard.ts";
import type { Resolver } from "./resolve.ts";
import { type TlsMaterial, toSecureContext } from "./tls.ts";

export interface AgentNeeds {
  readonly tls: TlsMaterial | null;
  /** Name that the certificate must have; null: that of the URL. */
  readonly serverName: string | null;
  /** Unix socket to which all of it goes. */
  readonly socket: string | null;
}

export interface CountedAgent {
  readonly agent: Agent;
  /** How many connections it has made: one that made none has used an old one. */
  readonly connections: () => number;
}

export interface Agents {
  get(needs: AgentNeeds): CountedAgent;
  close(): Promise<void>;
}

export interface AgentsOptions {
  readonly guard: Guard;
  readonly resolver: Resolver;
  readonly maxAgents: number;
}

const connectTimeoutMs = 10_000;

export function createAgents(options: AgentsOptions): Agents {
  const agents = new Map<string, CountedAgent>();
  return {
    get(needs) {
      const key = keyOf(needs);
      const found = agents.get(key) ?? createAgent(needs, options);
      agents.delete(key);
      agents.set(key, found);
      for (const [oldest, { agent }] of agents) {
        if (agents.size <= options.maxAgents) break;
        agents.delete(oldest);
        // What it is doing, it may finish.
        void agent.close();
      }
      return found;
    },
    async close() {
      const all = [...agents.values()];
      agents.clear();
      await Promise.all(all.map(({ agent }) => agent.destroy()));
    },
  };
}

/** Certificates are long: a hash of them is enough. */
function keyOf(needs: AgentNeeds): string {
  const isPlain = needs.tls === null && needs.serverName === null && needs.socket === null;
  return isPlain ? "" : createHash("sha256").update(JSON.stringify(needs)).digest("base64");
}

function createAgent(needs: AgentNeeds, options: AgentsOptions): CountedAgent {
  let connections = 0;
  const { tls, serverName, socket } = needs;
  const wiring: Wiring = {
    ...options,
    socket,
    serverName,
    tls:
      tls === null
        ? {}
        : { secureContext: toSecureContext(tls), rejectUnauthorized: !tls.skipVerify },
  };
  const agent = new Agent({
    connect: (target, callback) => {
      connections += 1;
      void hand(openSocket(target, wiring), callback);
    },
    // Time is limited by the request's own signal.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4000,
    maxHeaderSize: 64 * 1024,
    pipelining: 1,
    allowH2: false,
  });
  return { agent, connections: () => connections };
}

async function hand(opening: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  const [socket, error] = await opening.then(
    (opened) => [opened, null] as const,
    (cause: unknown) => [null, cause] as const,
  );
  if (socket === null) callback(error instanceof Error ? error : new Error(String(error)), null);
  else callback(null, socket);
}

type Target = buildConnector.Options;

interface Wiring extends AgentsOptions {
  readonly tls: ConnectionOptions;
  readonly serverName: string | null;
  readonly socket: string | null;
}

async function openSocket(target: Target, wiring: Wiring): Promise<Socket> {
  const { guard, resolver } = wiring;
  const signal = AbortSignal.timeout(connectTimeoutMs);
  if (wiring.socket !== null) {
    return await whenConnected(startUnix(target, wiring, wiring.socket), signal, () => null);
  }
  const isSecure = target.protocol === "https:";
  const port = target.port === "" ? (isSecure ? 443 : 80) : Number(target.port);
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const found = await resolver.resolve(host, signal);
  const permitted = found.filter((address) => guard.permits({ host, port }, address));
  const denied = new HttpFailure(
    "denied",
    `policies may not connect to ${host}:${port} (${found.join(", ")})`,
  );
  if (permitted.length === 0) throw denied;
  const lookup: LookupFunction = (_name, _options, callback) => {
    callback(
      null,
      permitted.map((address) => ({ address, family: isIP(address) })),
    );
  };
  // A name goes by what was resolved and checked just now; an address needs no looking up.
  const options = { host, port, lookup, autoSelectFamily: true };
  const socket = isSecure
    ? connectTls({ ...options, ...tlsOptions(host, wiring) })
    : connectTcp(options);
  return await whenConnected(socket, signal, () =>
    guard.permits({ host, port }, socket.remoteAddress ?? "") ? null : denied,
  );
}

function startUnix(target: Target, wiring: Wiring, path: string): Socket {
  return target.protocol === "https:"
    ? connectTls({ path, ...tlsOptions(target.hostname, wiring) })
    : connectTcp({ path });
}

function tlsOptions(host: string, { tls, serverName }: Wiring): ConnectionOptions {
  const name = serverName ?? host;
  return {
    ALPNProtocols: ["http/1.1"],
    ...tls,
    // RFC 6066 has no addresses there; they are looked for in the certificate all the same.
    servername: isIP(name) === 0 ? name.replace(/\.$/, "") : "",
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  };
}

/** `check` is asked once, when there is a connection. */
async function whenConnected(
  socket: Socket,
  signal: AbortSignal,
  check: () => HttpFailure | null,
): Promise<Socket> {
  const done = Promise.withResolvers<Socket>();
  const event = "encrypted" in socket ? "secureConnect" : "connect";
  const abort = (): void => {
    socket.destroy(new Error("i/o timeout"));
  };
  const onConnect = (): void => {
    const problem = check();
    if (problem === null) done.resolve(socket);
    else socket.destroy(problem);
  };
  // Before the handshake: a server that must not be talked to gets no byte, not even of TLS.
  const onTcp = (): void => {
    const problem = check();
    if (problem !== null) socket.destroy(problem);
  };
  socket.setNoDelay(true);
  socket.once("connect", onTcp);
  socket.once(event, onConnect);
  socket.once("error", done.reject);
  socket.once("close", () => {
    done.reject(new Error("EOF"));
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await done.promise;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.off("error", done.reject);
  }
}
