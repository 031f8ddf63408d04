/** A proxy between raw sockets and a real application, with a policy made by hand. */
import { randomUUID } from "node:crypto";
import { type EventEmitter, once } from "node:events";
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type RequestOptions,
  type Server,
} from "node:http";
import { connect, type Server as NetServer, type Socket } from "node:net";
import type { Readable } from "node:stream";
import type {
  ConnectionHead,
  Decision,
  Policy,
  RequestBody,
  RequestHead,
  Verdict,
} from "../../../src/policy/decision.ts";
import type { ExchangeReport } from "../../../src/proxy/exchange.ts";
import type { HandlerDeps } from "../../../src/proxy/handler.ts";
import type { Route } from "../../../src/config.ts";
import type { ServerLimits } from "../../../src/http/message.ts";
import type { Certificate } from "../../../src/proxy/certificate.ts";
import { createDate } from "../../../src/proxy/date.ts";
import { defaultLimits } from "../../../src/proxy/listener.ts";
import { type Proxy, startProxy } from "../../../src/proxy/server.ts";

export const allow: Extract<Verdict, { kind: "allow" }> = {
  kind: "allow",
  requestHeaders: [],
  requestHeadersToRemove: [],
  responseHeaders: [],
  queryParametersToRemove: [],
  queryParametersToSet: [],
};

export const deny: Extract<Verdict, { kind: "deny" }> = {
  kind: "deny",
  status: 403,
  headers: [],
  body: null,
  reason: "policy",
  detail: null,
};

export type Decide = (head: RequestHead, body: RequestBody | null) => Verdict;

export interface TestPolicy {
  readonly decideConnection?: (connection: ConnectionHead) => Verdict;
  readonly bodyBytes?: number;
  readonly sni?: boolean;
}

/** What a policy engine would be, for who is only interested in its verdicts. */
export function createTestPolicy(
  decide: Decide,
  { decideConnection = () => allow, bodyBytes = 0, sni = false }: TestPolicy = {},
): Policy {
  const bundle = { name: "policy.tar.gz", revision: "r1", sha256: "00", serial: null, deltas: 0 };
  const decided = (verdict: Verdict, input: object): Decision => ({
    id: randomUUID(),
    verdict,
    cached: false,
    bundle,
    bundles: [bundle],
    watched: null,
    path: "envoy/authz/allow",
    input,
    result: verdict.kind === "allow",
    evaluationNs: 1000,
  });
  return {
    needs: () => ({ bodyBytes, sni }),
    decide: (head, body) =>
      decided(decide(head, body), { attributes: { request: { http: { method: head.method } } } }),
    decideConnection: (connection) => decided(decideConnection(connection), { connection }),
    onChange: () => () => undefined,
    status: () => ({
      bundle,
      bundles: [bundle],
      candidates: [],
      timeouts: 0,
      activatedAt: 0,
      sync: { kind: "none", connected: false, error: null },
      revivals: 0,
      cache: { hits: 0, misses: 0, entries: 0 },
    }),
    refresh: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

export async function listenOn(server: Server | NetServer): Promise<number> {
  server.listen(0);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}

/** Reports in order, and a way to wait for the next. */
export class Reports {
  readonly all: ExchangeReport[] = [];
  #taken = 0;
  #wake: (() => void) | null = null;

  readonly add = (report: ExchangeReport): void => {
    this.all.push(report);
    this.#wake?.();
  };

  async next(): Promise<ExchangeReport> {
    while (this.all.length <= this.#taken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const report = this.all[this.#taken];
    this.#taken += 1;
    if (report === undefined) throw new Error("no report");
    return report;
  }
}

export interface Bench {
  readonly port: number;
  readonly appPort: number;
  readonly proxy: Proxy;
  readonly reports: Reports;
  /** Requests that reached the application. */
  readonly seen: IncomingMessage[];
  draining: boolean;
  close(): Promise<void>;
}

export interface BenchOptions extends TestPolicy {
  readonly decide?: Decide;
  readonly app?: RequestListener | Server | NetServer;
  readonly opaque?: boolean;
  readonly deps?: Partial<HandlerDeps>;
  readonly limits?: Partial<ServerLimits>;
  /** What the application speaks. */
  readonly protocol?: Route["protocol"];
  /** Clients speak TLS. */
  readonly certificate?: Certificate;
}

export async function createBench(options: BenchOptions = {}): Promise<Bench> {
  const seen: IncomingMessage[] = [];
  const { app = (_request, response) => response.end("app"), decide = () => allow } = options;
  const server = typeof app === "function" ? createServer(app) : app;
  server.on("request", (request: IncomingMessage) => seen.push(request));
  const appSockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => appSockets.add(socket));
  const appPort = await listenOn(server);
  const reports = new Reports();
  const proxy = await startProxy(
    [
      {
        port: 0,
        target: { host: "127.0.0.1", port: appPort },
        opaque: options.opaque ?? false,
        protocol: options.protocol ?? "auto",
        tls: options.certificate !== undefined,
      },
    ],
    {
      policy: createTestPolicy(decide, options),
      report: reports.add,
      commit: null,
      enforcement: { shadow: false, degradedRoutes: [] },
      isTrusted: () => false,
      admin: () => null,
      date: createDate(),
      pseudonym: "bouncer",
      longLived: "keep",
      trace: () => null,
      isDraining: () => bench.draining,
      targetTimeoutMs: 0,
      bodyTimeoutMs: 10_000,
      maxInFlight: 1000,
      ...options.deps,
    },
    {
      limits: { ...defaultLimits, halfClosedMs: 300, ...options.limits },
      certificate: options.certificate ?? null,
    },
  );
  const bench: Bench = {
    port: proxy.ports[0] ?? 0,
    appPort,
    proxy,
    reports,
    seen,
    draining: false,
    close: async () => {
      await proxy.stop(0);
      for (const socket of appSockets) socket.destroy();
      if (server.listening) server.close();
    },
  };
  return bench;
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {
    // What was received until then is what the test looks at.
  });
  await once(socket, "connect");
  return socket;
}

/** What an event is emitted with, the next time it is. An `error` is no failure here. */
export function eventOf(emitter: EventEmitter, event: string): Promise<readonly unknown[]> {
  return new Promise((resolve) => {
    emitter.once(event, (...args: readonly unknown[]) => {
      resolve(args);
    });
  });
}

/** Resolves at the first of these events, and leaves no listener behind. */
function firstOf(stream: Readable, ...events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of events) stream.off(event, settle);
      resolve();
    };
    for (const event of events) stream.on(event, settle);
  });
}

/** Everything until the other side ends. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!stream.readableEnded && !stream.destroyed) await firstOf(stream, "end", "close");
  return Buffer.concat(chunks).toString("latin1");
}

/** Reads until `text` was seen; what came after it is put back. */
export async function readUntil(stream: Readable, text: string): Promise<string> {
  let seen = "";
  for (;;) {
    const chunk: unknown = stream.read();
    if (chunk instanceof Buffer) {
      seen += chunk.toString("latin1");
      const end = seen.indexOf(text);
      if (end !== -1) {
        const rest = seen.slice(end + text.length);
        if (rest !== "") stream.unshift(Buffer.from(rest, "latin1"));
        return seen.slice(0, end + text.length);
      }
    } else {
      if (stream.readableEnded || stream.destroyed) throw new Error(`ended after "${seen}"`);
      await firstOf(stream, "readable", "end", "close");
    }
  }
}

/**
 * Sends bytes as they are, on a connection of their own, and reads until the other side ends it.
 * An end of ours would be taken for the client having gone.
 */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = await dial(port);
  socket.write(Buffer.from(bytes, "latin1"));
  const answer = await readAll(socket);
  socket.destroy();
  return answer;
}

/** A request by node's client on a connection of its own; resolves with the response's head. */
export function fetchHead(
  options: RequestOptions,
  send: (request: ClientRequest) => void = (request) => request.end(),
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", agent: false, ...options }, (response) => {
      // After the answer, a broken upload is no failure of the request.
      request.on("error", () => {});
      resolve(response);
    });
    request.once("error", reject);
    send(request);
  });
}

export interface RawResponse {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

export function parseRaw(text: string): RawResponse {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...headers] = text.slice(0, end).split("\r\n");
  const isChunked = headers.some((header) => /^transfer-encoding: chunked$/i.test(header));
  const body = text.slice(end + 4);
  return {
    status: Number(first.split(" ")[1]),
    headers: headers.join("\n"),
    body: isChunked ? joinChunks(body) : body,
  };
}

function joinChunks(text: string): string {
  const size = Number.parseInt(text, 16);
  const start = text.indexOf("\r\n") + 2;
  if (!(size > 0)) return "";
  return text.slice(start, start + size) + joinChunks(text.slice(start + size + 2));
}

/** Names and values of a message's headers, one pair a line. */
export function headerLines(request: IncomingMessage): string[] {
  const lines: string[] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  return lines;
}
