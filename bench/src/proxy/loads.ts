/** What is asked of the targets: a table of loads. Another load is another row. Pure. */
import { allowedRole, askedService, refusedRole } from "./policy.ts";
import type { PortKind } from "./ports.ts";

interface Common {
  readonly name: string;
  readonly title: string;
  /** Names of the targets; null: all of them that are there. */
  readonly targets: readonly string[];
  readonly port: PortKind;
  readonly path: string;
  readonly role: string;
  readonly connections: number;
  /** So many times as long as others, where what is under way at the end would be half of it. */
  readonly longer?: number;
  /** Bytes of the body of each request, and of each answer that is not a refusal. */
  readonly sent: number;
  readonly received: number;
}

/** wrk: each connection asks again as soon as it has its answer. */
export interface WrkLoad extends Common {
  readonly kind: "wrk";
  readonly method: "GET" | "POST";
  /** No two requests have the same path. */
  readonly isUnique: boolean;
  /** As browsers and traced services ask: more headers, and one of them never the same. */
  readonly isTraced: boolean;
}

/** h2load: gRPC, one connection after the other has its streams. */
export interface H2Load extends Common {
  readonly kind: "h2load";
  readonly streams: number;
}

/** The generator of this repository. */
export interface OwnLoad extends Common {
  readonly kind: "own";
  readonly isWebSocket: boolean;
  /** Requests that wait for their answers at a time. */
  readonly inFlight: number;
  /** Requests a second, come what may; null: as soon as there are answers. */
  readonly rate: number | null;
}

export type Load = WrkLoad | H2Load | OwnLoad;

const widest = [
  ...(["haproxy", "haproxy-log", "nginx", "nginx-log"] as const),
  ...(["envoy", "envoy-log", "envoy-rbac", "envoy-adapter", "envoy-opa"] as const),
  ...(["envoy-opa-log", "bouncer", "bouncer-no-cache", "bouncer-no-audit"] as const),
  ...(["bouncer-undeclared", "bouncer-allow-all", "bouncer-bare"] as const),
];
const main = ["haproxy-log", "nginx-log", "envoy", "envoy-log", "envoy-opa-log", "bouncer"];
const few = ["haproxy-log", "envoy", "bouncer"];

const plain = {
  port: "plain",
  path: `/api/${askedService}/item`,
  role: allowedRole,
  sent: 0,
  received: 1024,
} as const;
const wrk = { kind: "wrk", method: "GET", isUnique: false, isTraced: false, ...plain } as const;
const own = { kind: "own", isWebSocket: false, inFlight: 64, rate: null, ...plain } as const;
const mebibyte = 1024 ** 2;
const sink = { ...wrk, method: "POST", port: "sink", path: "/api/sink" } as const;
const big = { ...wrk, path: `/api/${askedService}/big`, received: mebibyte } as const;

const get = (connections: number, targets: readonly string[]): Load => ({
  ...wrk,
  name: `get-${connections}`,
  title: `GET 1 KB, ${connections} connection${connections === 1 ? "" : "s"}`,
  connections,
  targets,
});
/** The answer of the sink is the number of bytes that it got, and a line feed. */
const post = (name: string, sent: number, connections: number): Load => ({
  ...sink,
  name,
  title: `POST ${sent < mebibyte ? `${sent / 1024} KB` : "1 MB"}, ${connections} connections`,
  connections,
  targets: few,
  sent,
  received: String(sent).length + 1,
});
const paced = (rate: number): Load => ({
  ...own,
  name: `rate-${rate}`,
  title: `GET 1 KB, ${rate} requests a second`,
  connections: 64,
  rate,
  targets: ["direct", "haproxy-log", "nginx-log", "envoy", "envoy-log", "envoy-opa-log", "bouncer"],
});
const many = (connections: number): Load => ({
  ...own,
  name: `many-${connections}`,
  title: `GET 1 KB, 64 busy of ${connections} connections`,
  connections,
  targets: few,
});

export const loads: readonly Load[] = [
  get(1, main),
  get(16, widest),
  get(64, main),
  get(256, main),
  {
    ...wrk,
    name: "unique",
    title: "every request unique, 16 connections",
    connections: 16,
    isUnique: true,
    targets: [
      ...(["haproxy-log", "envoy", "envoy-opa-log", "bouncer", "bouncer-no-cache"] as const),
      "bouncer-undeclared",
    ],
  },
  {
    ...wrk,
    name: "traced",
    title: "GET 1 KB, 12 headers of which one always changes, 16 connections",
    connections: 16,
    isTraced: true,
    targets: few,
  },
  {
    ...wrk,
    name: "refused",
    title: "refusals, 16 connections",
    connections: 16,
    role: refusedRole,
    targets: ["haproxy-log", "envoy", "envoy-rbac", "envoy-opa-log", "bouncer"],
  },
  {
    ...wrk,
    name: "rules",
    title: "10 to 10,000 rules, every request unique, 16 connections",
    connections: 16,
    isUnique: true,
    targets: [10, 100, 1000, 10_000].map((rules) => `bouncer-${rules}-rules`),
  },
  post("post-10k", 10 * 1024, 16),
  post("post-1m", mebibyte, 4),
  { ...big, name: "get-1m", title: "GET 1 MB, 4 connections", connections: 4, targets: few },
  { ...post("post-1m-256", mebibyte, 256), longer: 2 },
  {
    ...big,
    name: "get-1m-256",
    title: "GET 1 MB, 256 connections",
    connections: 256,
    longer: 2,
    targets: few,
  },
  many(64),
  many(1000),
  many(10_000),
  paced(500),
  paced(2000),
  {
    ...plain,
    kind: "h2load",
    name: "grpc",
    title: "gRPC unary over HTTP/2, 4 connections, 16 streams each",
    port: "grpc",
    path: "/api.Echo/Unary",
    connections: 4,
    streams: 16,
    // Five bytes of the message's own head and as many as a small message has.
    sent: 105,
    received: 105,
    targets: ["haproxy-log", "nginx-log", "envoy", "bouncer"],
  },
  {
    ...own,
    name: "websocket",
    title: "WebSocket echo of 100 bytes, 64 connections",
    port: "sink",
    path: "/api/socket",
    connections: 64,
    isWebSocket: true,
    sent: 100,
    received: 100,
    targets: ["haproxy-log", "nginx-log", "envoy", "bouncer"],
  },
];

/** Connections that did one request and then nothing: what they cost in memory. */
export const idleLoad: OwnLoad = {
  ...own,
  name: "idle-10000",
  title: "10,000 idle connections",
  connections: 10_000,
  targets: ["haproxy-log", "nginx-log", "envoy", "bouncer"],
};

/** Below this, what is refused cannot be told from what is not. */
export const isRefused = ({ role }: Load, decides: boolean): boolean =>
  decides && role === refusedRole;
