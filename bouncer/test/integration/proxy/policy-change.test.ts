/** What goes on when the policy changes: no longer than the new policy lets it. */
import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import type { Decision, Policy, Verdict } from "../../../src/policy/decision.ts";
import type { LongLivedStreams } from "../../../src/proxy/handler.ts";
import { createCertificate } from "../sync/server.ts";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  createTestPolicy,
  deny,
  dial,
  eventOf,
  readAll,
  readUntil,
} from "./harness.ts";

const benches: Bench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

/** A policy that can be exchanged for another one while requests are under way. */
class ChangingPolicy {
  verdict: Verdict = allow;
  /** Called instead, if it is there. */
  decide: ((decided: Decision) => Promise<Decision>) | null = null;
  readonly #listeners = new Set<() => void>();
  readonly policy: Policy;

  constructor() {
    const verdictOf = (): Verdict => this.verdict;
    const policy = createTestPolicy(verdictOf, { decideConnection: verdictOf });
    const ask = (decision: Decision | Promise<Decision>): Decision | Promise<Decision> =>
      this.decide === null || decision instanceof Promise ? decision : this.decide(decision);
    this.policy = {
      ...policy,
      decide: (head, body) => ask(policy.decide(head, body)),
      decideConnection: (connection) => ask(policy.decideConnection(connection)),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  change(verdict: Verdict): void {
    this.verdict = verdict;
    for (const listener of this.#listeners) listener();
  }
}

async function start(
  longLived: LongLivedStreams,
  options: BenchOptions,
): Promise<{ bench: Bench; policy: ChangingPolicy }> {
  const policy = new ChangingPolicy();
  const deps = { policy: policy.policy, longLived, ...options.deps };
  const bench = await createBench({ ...options, deps });
  benches.push(bench);
  return { bench, policy };
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";

/** An answer that goes on with what is told to it. */
class Endless extends EventEmitter {
  readonly app: RequestListener = (_request, response) => {
    response.write("first");
    this.on("more", (text: string) => response.write(text));
  };
}

/** Switches to a protocol in which the application says again what it is told. */
function switching(): Server {
  const server = createHttpServer();
  server.on("upgrade", (_request, socket: Socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n",
    );
    repeat(socket);
  });
  return server;
}

function repeat(socket: Socket): void {
  socket.on("error", () => {
    // Cut off.
  });
  socket.write("first");
  socket.pipe(socket);
}

interface Kind {
  readonly options: BenchOptions;
  readonly head: string;
  /** Has the application say something. */
  readonly more: (client: Socket, text: string) => void;
  readonly status: number | null;
}

const endless = new Endless();

const say = (client: Socket, text: string): void => {
  client.write(text);
};

const kinds: readonly (readonly [string, () => Kind])[] = [
  [
    "an endless answer",
    () => ({
      options: { app: endless.app },
      head: get,
      more: (_client, text) => endless.emit("more", text),
      status: 200,
    }),
  ],
  [
    "an upgraded connection",
    () => ({ options: { app: switching() }, head: upgrade, more: say, status: null }),
  ],
  [
    "an opaque connection",
    () => ({
      options: { opaque: true, app: createNetServer(repeat) },
      head: "",
      more: say,
      status: null,
    }),
  ],
];

describe.each(kinds)("%s", (_name, make) => {
  async function begin(longLived: LongLivedStreams) {
    const { options, head, more, status } = make();
    const { bench, policy } = await start(longLived, options);
    const client = await dial(bench.port);
    client.write(head);
    await readUntil(client, "first");
    return { bench, policy, client, head, more, status };
  }

  test.each<[LongLivedStreams, Verdict]>([
    ["recheck", allow],
    ["keep", deny],
  ])("goes on with %s", async (longLived, verdict) => {
    const { policy, client, more } = await begin(longLived);
    policy.change(verdict);
    more(client, "second");
    expect(await readUntil(client, "second")).toMatch(/second$/);
    client.destroy();
  });

  test.each<[LongLivedStreams, Verdict, string]>([
    ["recheck", deny, "the new policy refuses it"],
    ["close", allow, "streams end with their policy"],
  ])("is cut off with %s, and recorded", async (longLived, verdict, detail) => {
    const { bench, policy, client, head, status } = await begin(longLived);
    const ended = readAll(client);
    policy.change(verdict);
    // Before it is over: it ends once.
    policy.change(verdict);
    await ended;
    client.destroy();
    await idle(bench);
    const { all } = bench.reports;
    expect(all.at(-1)).toMatchObject({ reason: "policy_changed", detail, status });
    // What was upgraded has had its record as a request.
    expect(all.slice(0, -1).map(({ upgraded, reason }) => [upgraded, reason])).toEqual(
      head === upgrade ? [[true, null]] : [],
    );
  });

  test("is cut off when the new policy cannot be asked", async () => {
    const { bench, policy, client } = await begin("recheck");
    policy.decide = () => Promise.reject(new Error("out of order"));
    const ended = readAll(client);
    policy.change(allow);
    await ended;
    client.destroy();
    await idle(bench);
    const detail = "the new policy could not be asked: out of order";
    expect(bench.reports.all.at(-1)).toMatchObject({ reason: "policy_changed", detail });
  });
});

/** Until nothing is under way any more. */
async function idle({ proxy }: Bench): Promise<void> {
  while (proxy.inFlight() > 0) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

test("a request that was decided by the old policy is not answered by the application", async () => {
  const app = new EventEmitter();
  const { bench, policy } = await start("recheck", {
    app: (_request, response) => {
      app.emit("asked", response);
    },
  });
  const client = await dial(bench.port);
  const asked = once(app, "asked");
  client.write(get);
  await asked;
  policy.change(deny);
  expect(await readUntil(client, "}")).toMatch(/ 503 .*policy_changed/s);
  expect(await bench.reports.next()).toMatchObject({ reason: "policy_changed", status: 503 });
  client.destroy();
});

test("a decision of the old policy that comes after the change is made again", async () => {
  const { bench, policy } = await start("recheck", { app: endless.app });
  const decided = Promise.withResolvers<null>();
  policy.decide = async (decision) => {
    await decided.promise;
    return decision;
  };
  const client = await dial(bench.port);
  client.write(get);
  // It is being decided on.
  while (bench.proxy.inFlight() === 0) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  policy.change(deny);
  decided.resolve(null);
  expect(await readUntil(client, "}")).toMatch(/ 503 .*policy_changed/s);
  client.destroy();
});

test("a request that ends while the new policy is asked has one record, and its answer", async () => {
  const { bench, policy } = await start("recheck", {
    app: (_request, response) => {
      response.write("first");
      endless.once("end", () => response.end("last"));
    },
  });
  const client = await dial(bench.port);
  client.write(get);
  await readUntil(client, "first");
  const decided = Promise.withResolvers<null>();
  policy.decide = async (decision) => {
    await decided.promise;
    return decision;
  };
  policy.change(deny);
  endless.emit("end");
  await readUntil(client, "last");
  await idle(bench);
  decided.resolve(null);
  // On the same connection, which was not cut off; the policy refuses it by now.
  client.write(get);
  expect(await readUntil(client, "}")).toMatch(/ 403 /);
  await idle(bench);
  expect(bench.reports.all.map(({ status, reason }) => [status, reason])).toEqual([
    [200, null],
    [403, "policy"],
  ]);
  client.destroy();
});

test("an opaque connection that is being made is asked about when it is there", async () => {
  const { bench, policy } = await start("recheck", {
    opaque: true,
    app: createNetServer(repeat),
  });
  const decided = Promise.withResolvers<null>();
  policy.decide = async (decision) => {
    await decided.promise;
    return decision;
  };
  const client = await dial(bench.port);
  while (bench.proxy.inFlight() === 0) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  policy.change(deny);
  decided.resolve(null);
  await readAll(client);
  await idle(bench);
  expect(bench.reports.all).toMatchObject([{ reason: "policy_changed" }]);
  client.destroy();
});

test("an upgraded connection within TLS is cut off, too, by the policy and by the application", async () => {
  const pem = createCertificate("DNS:localhost");
  const pair = { cert: Buffer.from(pem.cert), key: Buffer.from(pem.key) };
  const sockets: Socket[] = [];
  const app = switching();
  app.on("upgrade", (_request, socket: Socket) => sockets.push(socket));
  const { bench, policy } = await start("close", {
    app,
    certificate: { current: () => pair, onRenewal: () => undefined, close: () => undefined },
  });
  const begin = async () => {
    const client = connectTls({
      port: bench.port,
      host: "127.0.0.1",
      ca: pem.cert,
      servername: "localhost",
    });
    client.on("error", () => {
      // Cut off.
    });
    client.write(upgrade);
    await readUntil(client, "first");
    return { closed: eventOf(client, "close"), client };
  };
  const one = await begin();
  sockets[0]?.resetAndDestroy();
  one.client.resume();
  await one.closed;
  const other = await begin();
  policy.change(allow);
  other.client.resume();
  await other.closed;
  await idle(bench);
  expect(bench.reports.all.map(({ reason }) => reason)).toEqual([null, null, "policy_changed"]);
});
