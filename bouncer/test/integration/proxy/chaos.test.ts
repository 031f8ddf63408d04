/**
 * Clients and applications that stop, break off and say odd things at odd times, under a policy that
 * decides at once, later or not at all, and changes meanwhile: whatever happens, nothing stays
 * behind, and each decision has one record.
 */
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Commit } from "../../../src/audit/sink.ts";
import type { Policy } from "../../../src/policy/decision.ts";
import { resetSocket } from "../../../src/http/socket-stream.ts";
import type { LongLivedStreams } from "../../../src/proxy/handler.ts";
import { Random } from "../http1/random.ts";
import { allow, type Bench, createBench, createTestPolicy, deny, dial } from "./harness.ts";

const benches: Bench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

const length = (bytes: number): string => `Content-Length: ${bytes}\r\n\r\n${"x".repeat(bytes)}`;
const early = "HTTP/1.1 103 Early Hints\r\n\r\n";

const answers = [
  `HTTP/1.1 200 OK\r\n${length(5)}`,
  `HTTP/1.1 200 OK\r\n${length(100_000)}`,
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\nuntil the end",
  "HTTP/1.0 200 OK\r\n\r\nuntil the end",
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${length(0)}`,
  `${early.repeat(3)}HTTP/1.1 200 OK\r\n${length(1)}`,
  early.repeat(150),
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nhello",
  `HTTP/1.1 200 OK\r\n${length(3)}and more`,
  "no HTTP\r\n\r\n",
  `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n${length(5)}`,
  `HTTP/1.1 500 \xff\r\nConnection: close\r\n${length(1)}`,
  "",
] as const;

const host = "HTTP/1.1\r\nHost: a\r\n";

const questions = [
  `GET / ${host}\r\n`,
  `HEAD / ${host}\r\n`,
  "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
  `GET /no ${host}\r\n`,
  `GET /a//b ${host}\r\n`,
  `POST / ${host}${length(5)}`,
  `POST /no ${host}${length(100_000)}`,
  `PUT / ${host}${length(300_000)}`,
  `POST / ${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n`,
  `POST / ${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX`,
  `POST / ${host}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
  `POST / ${host}Connection: close\r\n${length(5)}`,
  `POST /no ${host}Content-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n`,
  `GET / ${host}Connection: upgrade\r\nUpgrade: chat\r\n\r\nhello`,
  "no HTTP\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "\x16\x03\x01",
] as const;

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Says it in pieces, perhaps not all of it, and perhaps goes. */
async function say(socket: Socket, text: string, random: Random): Promise<void> {
  const bytes = Buffer.from(text, "latin1");
  const end = random.chance(20) ? random.below(bytes.length + 1) : bytes.length;
  for (let at = 0; at < end && !socket.destroyed;) {
    const next = random.chance(50) ? end : Math.min(end, at + 1 + random.below(end));
    socket.write(bytes.subarray(at, next));
    at = next;
    await turns(random.below(6));
  }
  if (end === bytes.length && random.chance(70)) return;
  await turns(random.below(6));
  random.pick([() => socket.destroy(), () => resetSocket(socket), () => socket.end()])();
}

/** Ends at last, in one way or another. */
async function ask(port: number, random: Random): Promise<void> {
  const client = await dial(port);
  const closed = new Promise((resolve) => {
    client.once("close", resolve);
  });
  client.resume();
  for (let i = random.below(4); i >= 0; i--) await say(client, random.pick(questions), random);
  await turns(random.below(40));
  if (random.chance(50)) {
    client.end();
    await turns(random.below(40));
  }
  client.destroy();
  await closed;
}

function chaoticPolicy(random: Random): Policy & { change(): void } {
  let bodyBytes = 0;
  const listeners = new Set<() => void>();
  const policy = createTestPolicy(({ target }) => (target.startsWith("/no") ? deny : allow));
  return {
    ...policy,
    needs: () => ({ bodyBytes, sni: false }),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    decide: (head, body) => {
      if (random.chance(50)) return policy.decide(head, body);
      const isBroken = random.chance(5);
      return turns(random.below(6)).then(() => {
        if (isBroken) throw new Error("a bug");
        return policy.decide(head, body);
      });
    },
    change: () => {
      bodyBytes = random.pick([0, 0, 100, 200_000]);
      for (const listener of listeners) listener();
    },
  };
}

const outcomes: readonly [Commit, ...Commit[]] = [
  "written",
  "written",
  "written",
  "late",
  "refused",
];

test.each<[number, LongLivedStreams, boolean]>([
  [1, "keep", false],
  [2, "recheck", false],
  [3, "close", false],
  [4, "recheck", true],
  [5, "close", true],
])(
  "seed %i, %s, records first: %s",
  async (seed, longLived, isRecordedFirst) => {
    const random = new Random(seed);
    const app = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {
        // What happens here is not of interest.
      });
      socket.on("end", () => socket.end());
      socket.on("data", () => {
        if (random.chance(85)) void say(socket, random.pick(answers), random);
      });
    });
    const policy = chaoticPolicy(random);
    const commit = async (): Promise<Commit> => {
      await turns(random.below(5));
      return random.pick(outcomes);
    };
    const bench = await createBench({
      app,
      deps: {
        policy,
        longLived,
        commit: isRecordedFirst ? commit : null,
        targetTimeoutMs: 60,
        bodyTimeoutMs: 60,
      },
      limits: { idleTimeoutMs: 120, headTimeoutMs: 100, halfClosedMs: 60 },
    });
    benches.push(bench);
    for (let round = 0; round < 12; round++) {
      const clients = Array.from({ length: 20 }, () => ask(bench.port, random));
      await turns(10);
      policy.change();
      await Promise.all(clients);
    }
    while (bench.proxy.inFlight() > 0 || bench.proxy.connections() > 0) await turns(1);
    const ids = bench.reports.all.filter(({ upgraded }) => !upgraded).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(100);
  },
  20_000,
);
