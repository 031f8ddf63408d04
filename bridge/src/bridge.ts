/**
 * The bridge put together: bundles, certificate, authentication, the bouncers' port and the
 * admin port. Replicas share nothing: each reads the same places and knows its own connections.
 */
import { once } from "node:events";
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type ServerOptions,
} from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Server } from "node:net";
import type { Logger } from "pino";
import { createAdminServer } from "./admin.ts";
import {
  cacheDefaults,
  createCachedCheck,
  parseBearer,
  type Authentication,
  type CheckToken,
} from "./authenticate.ts";
import { createBundlesHandler } from "./bundles.ts";
import { createCertificateSource, type CertificateSource } from "./certificate.ts";
import { createAcceptor } from "./accept.ts";
import type { Config } from "./config.ts";
import { BridgeError, messageOf, type ErrorCode } from "./errors.ts";
import { createFleet } from "./fleet.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Status } from "./protocol.ts";
import { createRollouts } from "./rollouts.ts";
import { createSync, syncTiming, type SyncTiming } from "./sync.ts";
import { openSource } from "./upstream/open.ts";

export interface BridgeDeps {
  readonly log: Logger;
  readonly now: () => number;
  readonly checkToken: CheckToken;
  readonly timing?: SyncTiming;
}

export interface Bridge {
  /** Port for bouncers, and the admin port: the ones really listened on. */
  readonly port: number;
  readonly adminPort: number;
  /** Stops accepting, answers those who wait, says goodbye to every WebSocket. */
  close(): Promise<void>;
}

const idleTimeoutMs = 60_000;
/** Larger keys would have each connection keep a larger buffer, for as long as it lasts. */
const ecdhCurve = "X25519:P-256";
/** At once; each takes about a millisecond of a core. */
const maxHandshakes = 16;
const serverOptions: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 75_000,
};

/** @throws BridgeError `start_failed` */
export async function startBridge(config: Config, deps: BridgeDeps): Promise<Bridge> {
  const { log, now } = deps;
  const closing = new AbortController();
  const fleet = createFleet();
  const onProblem = (code: ErrorCode): void => metrics.problems.inc({ code });

  const rollouts = createRollouts({
    get: (name) => source.get(name),
    now,
    onProblem: ({ code, message }) => {
      onProblem(code);
      log.error({ code, problem: message }, "rollout problem");
    },
    onStop: ({ bundle, candidate, sha256, stopped }) => {
      onProblem("rollout_stopped");
      const { bouncer, reason } = stopped ?? {};
      const code = "rollout_stopped";
      log.error({ code, bundle, candidate, sha256, bouncer, reason }, "rollout stopped");
    },
  });
  const source = openSource(config, {
    log,
    now,
    random: Math.random,
    onProblem,
    onPulled: (result) => metrics.upstreamPulls.inc({ result }),
    onRollout: (file) => rollouts.offer(file),
  });
  const server = config.tlsDirectory === null ? createHttpServer(serverOptions) : createTlsServer();
  const certificate = createCertificate(config.tlsDirectory, server, { log, onProblem });
  const metrics = createMetrics({
    bundles: () => source.list(),
    revisions: () => fleet.countByRevision(),
    rollouts: () => rollouts.list(),
    certificateNotAfter: () => certificate?.current()?.notAfter ?? null,
  });

  const check = createCachedCheck({ ...cacheDefaults, check: deps.checkToken, now });
  const authenticate = async (authorization: string | undefined): Promise<Authentication> => {
    const token = parseBearer(authorization);
    const answer: Authentication =
      token === null ? { kind: "refusal", code: "token_missing" } : await check(token);
    metrics.authentications.inc({ result: answer.kind === "identity" ? "accepted" : answer.code });
    return answer;
  };

  const handle = createBundlesHandler({
    source,
    authenticate,
    closing: closing.signal,
    onAnswered: (status) => metrics.bundleRequests.inc({ status }),
    idleTimeoutMs,
  });
  const sync = createSync({
    source,
    rollouts,
    authenticate,
    fleet,
    log,
    now,
    onHint: () => metrics.hints.inc(),
    onStatus: (status) => countStatus(metrics, status),
    onDropped: (code) => metrics.dropped.inc({ code }),
    timing: deps.timing ?? syncTiming,
  });
  server.on("request", (request, response) => void handle(request, response));
  server.on("upgrade", (request, socket, head) => sync.upgrade(request, socket, head));
  server.setTimeout(idleTimeoutMs);
  const { maxConnections } = config;
  server.maxConnections = maxConnections;
  const acceptor = isTls(server) ? createAcceptor(server, { maxHandshakes, maxConnections }) : null;

  const admin = createAdminServer({
    registry: metrics.registry,
    view: () => ({
      bundles: source.list(),
      members: fleet.list(),
      rollouts: rollouts.list(),
      rolloutProblem: rollouts.problem(),
    }),
    unready: () => [
      ...(certificate?.current() === null ? ["certificate_missing"] : []),
      ...(source.isRead() ? [] : ["bundles_not_read"]),
      ...(closing.signal.aborted ? ["closing"] : []),
    ],
  });

  async function close(): Promise<void> {
    closing.abort();
    const ended = source.close();
    certificate?.close();
    acceptor?.dismiss();
    const closed = closeServer(server, acceptor?.server ?? server);
    await sync.close();
    await closed;
    await closeServer(admin, admin);
    await ended;
  }

  await Promise.all([source.scan(), certificate?.load()]);
  try {
    const port = await listen(acceptor?.server ?? server, config.port);
    const adminPort = await listen(admin, config.adminPort);
    log.info({ port, adminPort, tls: certificate !== null }, "bridge started");
    return { port, adminPort, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function countStatus(metrics: Metrics, { bundles, decisions, refused }: Status): void {
  metrics.decisions.inc({ result: "refused" }, Math.min(refused, decisions));
  metrics.decisions.inc({ result: "allowed" }, Math.max(decisions - refused, 0));
  for (const { bundle, candidate } of bundles) {
    if (candidate === null) continue;
    const differing = Math.min(candidate.differing, candidate.decisions);
    metrics.candidateDecisions.inc({ bundle, result: "differing" }, differing);
    metrics.candidateDecisions.inc({ bundle, result: "same" }, candidate.decisions - differing);
  }
}

function isTls(server: HttpServer | HttpsServer): server is HttpsServer {
  return "setSecureContext" in server;
}

/** Listens before there is a certificate: handshakes fail until one is loaded. */
function createTlsServer(): HttpsServer {
  return createHttpsServer({
    ...serverOptions,
    handshakeTimeout: 10_000,
    minVersion: "TLSv1.2",
    ecdhCurve,
    ALPNProtocols: ["http/1.1"],
  });
}

function createCertificate(
  directory: string | null,
  server: HttpServer | HttpsServer,
  reporting: { readonly log: Logger; readonly onProblem: (code: ErrorCode) => void },
): CertificateSource | null {
  if (directory === null || !isTls(server)) return null;
  return createCertificateSource({
    directory,
    ...reporting,
    // Connections made with the certificate before go on with it.
    onLoaded: ({ cert, key }) =>
      server.setSecureContext({ cert, key, minVersion: "TLSv1.2", ecdhCurve }),
  });
}

async function listen(server: Server, port: number): Promise<number> {
  try {
    server.listen({ port, host: "::" });
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  } catch (error) {
    throw new BridgeError(
      "start_failed",
      `Cannot listen on port ${port}: ${messageOf(error)}`,
      error,
    );
  }
}

/** Requests under way are answered; idle connections are closed. */
async function closeServer(server: HttpServer | HttpsServer, listener: Server): Promise<void> {
  if (!listener.listening) return;
  const closed = once(listener, "close");
  listener.close();
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(late);
}
