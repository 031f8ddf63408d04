/**
 * Two ways to load a server. Open loop: requests are due at fixed times whatever the server does,
 * and latency counts from when a request was due, so that a slow answer is not hidden by the
 * requests that waited behind it (coordinated omission). Saturation: each connection asks again as
 * soon as it has its answer.
 */
import { type Connection, openConnection, type Target } from "./connection.ts";

export interface Order {
  readonly target: Target;
  /** Body of each request. */
  readonly body: string;
  readonly path: string;
  /** Requests a second; null: as many as the server takes. */
  readonly rate: number | null;
  readonly connections: number;
  /** The run ends after so many answers, or after so much time, whichever is first. */
  readonly requests: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
  /** How late the generator itself was with each request; it counts as latency, too. */
  readonly lateMs: readonly number[];
  /** Body of the last answer. */
  readonly answer: string;
}

/** Timers are whole milliseconds late; the last of them is waited for by turning around. */
const turnAroundMs = 1.5;

export async function run(order: Order): Promise<Outcome> {
  const { body, path, target } = order;
  const head = `POST ${path} HTTP/1.1\r\nhost: ${target.serverName}\r\ncontent-type: application/json\r\n`;
  const payload = Buffer.from(body);
  const request = Buffer.concat([
    Buffer.from(`${head}accept: application/json\r\ncontent-length: ${payload.length}\r\n\r\n`),
    payload,
  ]);
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () => openConnection(target)),
  );
  try {
    return order.rate === null
      ? await saturate(order, request, connections)
      : await pace({ ...order, rate: order.rate }, request, connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function saturate(
  order: Order,
  request: Uint8Array,
  connections: readonly Connection[],
): Promise<Outcome> {
  const latenciesMs: number[] = [];
  let left = order.requests;
  let answer: Buffer = Buffer.alloc(0);
  const started = performance.now();
  const end = started + order.seconds * 1000;
  const askOn = async (connection: Connection): Promise<void> => {
    while (left > 0 && performance.now() < end) {
      left -= 1;
      const sent = performance.now();
      answer = await connection.ask(request);
      latenciesMs.push(performance.now() - sent);
    }
  };
  await Promise.all(connections.map(askOn));
  const seconds = (performance.now() - started) / 1000;
  return { latenciesMs, seconds, lateMs: [], answer: answer.toString() };
}

/** A request that is due while all connections are busy waits for one, and the wait counts. */
async function pace(
  order: Order & { readonly rate: number },
  request: Uint8Array,
  connections: readonly Connection[],
): Promise<Outcome> {
  const { rate, seconds, requests } = order;
  const count = Math.min(requests, Math.round(rate * seconds));
  const latenciesMs: number[] = [];
  const lateMs: number[] = [];
  const queue: number[] = [];
  const idle = [...connections];
  const done = Promise.withResolvers<void>();
  let answer: Buffer = Buffer.alloc(0);

  const serve = async (connection: Connection): Promise<void> => {
    for (let due = queue.shift(); due !== undefined; due = queue.shift()) {
      answer = await connection.ask(request);
      latenciesMs.push(performance.now() - due);
    }
    idle.push(connection);
    if (latenciesMs.length === count) done.resolve();
  };
  const started = performance.now();
  for (let index = 0; index < count; index += 1) {
    const due = started + (index * 1000) / rate;
    await until(due);
    lateMs.push(performance.now() - due);
    queue.push(due);
    // The one that has been idle longest: servers close connections that never ask anything.
    const connection = idle.shift();
    if (connection !== undefined) serve(connection).catch(done.reject);
  }
  await done.promise;
  const elapsed = (performance.now() - started) / 1000;
  return { latenciesMs, seconds: elapsed, lateMs, answer: answer.toString() };
}

async function until(due: number): Promise<void> {
  const left = due - performance.now() - turnAroundMs;
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
}
