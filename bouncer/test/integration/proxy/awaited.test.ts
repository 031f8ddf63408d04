/** Decisions that are not there at once: what happens to clients, connections and counts meanwhile. */
import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import type { Decision } from "../../../src/policy/decision.ts";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  createTestPolicy,
  deny,
  dial,
  parseRaw,
  readAll,
  readUntil,
} from "./harness.ts";

const open: Bench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function settled(value: Decision | Promise<Decision>): Promise<Decision> {
  return await value;
}

/** Decides when the test says so; by target, `tcp` for connections. */
async function bench(options: BenchOptions = {}) {
  const held = new Map<string, PromiseWithResolvers<void>>();
  let announce = Promise.withResolvers<void>();
  const policy = createTestPolicy((head) => (head.target === "/no" ? deny : allow), options);
  const hold = async (target: string, decided: Decision): Promise<Decision> => {
    const waiting = Promise.withResolvers<void>();
    held.set(target, waiting);
    announce.resolve();
    announce = Promise.withResolvers();
    await waiting.promise;
    return decided;
  };
  const made = await createBench({
    ...options,
    deps: {
      ...options.deps,
      policy: {
        ...policy,
        decide: async (head, body) =>
          await hold(head.target, await settled(policy.decide(head, body))),
        decideConnection: async (head) =>
          await hold("tcp", await settled(policy.decideConnection(head))),
      },
    },
  });
  open.push(made);
  const find = async (target: string): Promise<PromiseWithResolvers<void>> => {
    for (;;) {
      const waiting = held.get(target);
      if (waiting !== undefined) return waiting;
      await announce.promise;
    }
  };
  return {
    ...made,
    /** Resolves when the question is asked. */
    asked: async (target: string) => {
      await find(target);
    },
    answer: async (target: string) => {
      const waiting = await find(target);
      waiting.resolve();
    },
    fail: async (target: string) => {
      (await find(target)).reject(new Error("a bug"));
    },
  };
}

const get = (target: string, ...headers: readonly string[]): string =>
  [`GET ${target} HTTP/1.1`, "Host: a", ...headers, "", ""].join("\r\n");

test("a client that goes away is not spoken for, is recorded once, and leaves its place", async () => {
  const { port, reports, seen, asked, answer } = await bench({ deps: { maxInFlight: 1 } });
  const gone = await dial(port);
  gone.write(get("/gone"));
  await asked("/gone");
  gone.destroy();
  expect((await reports.next()).aborted).toBe("client");
  await answer("/gone");
  const next = await dial(port);
  next.write(get("/next", "Connection: close"));
  await answer("/next");
  expect(parseRaw(await readAll(next)).status).toBe(200);
  expect((await reports.next()).aborted).toBeNull();
  expect(seen.map(({ url }) => url)).toEqual(["/next"]);
  expect(reports.all).toHaveLength(2);
});

test("a client that goes away while its body was read ahead is not spoken for", async () => {
  const options = { bodyBytes: 10, deps: { maxInFlight: 1 } };
  const { port, reports, seen, asked, answer } = await bench(options);
  const gone = await dial(port);
  gone.write("POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789abcd");
  await asked("/gone");
  gone.destroy();
  await reports.next();
  await answer("/gone");
  const next = await dial(port);
  next.write(get("/next", "Connection: close"));
  await answer("/next");
  expect(parseRaw(await readAll(next)).status).toBe(200);
  expect(seen.map(({ url }) => url)).toEqual(["/next"]);
});

test("requests on one connection are answered in their order, each by its own decision", async () => {
  const { port, asked, answer } = await bench({
    app: (request, response) => response.end(`app ${request.url}`),
  });
  const client = await dial(port);
  client.write(get("/no") + get("/yes", "Connection: close"));
  await asked("/no");
  await answer("/no");
  await answer("/yes");
  const text = await readAll(client);
  expect(text.indexOf("403 Forbidden")).toBe("HTTP/1.1 ".length);
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 403", "HTTP/1.1 200"]);
  expect(text).toMatch(/app \/yes/);
  expect(text).not.toMatch(/app \/no/);
});

const upgrade = ["Connection: Upgrade", "Upgrade: echo"];

function createEchoApp() {
  const app = createServer();
  app.on("upgrade", (_request, socket) => {
    socket.on("error", () => {});
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    );
    socket.pipe(socket);
  });
  return app;
}

test("what comes behind a request to switch protocols waits for the decision", async () => {
  const { port, answer } = await bench({ app: createEchoApp() });
  const client = await dial(port);
  client.write(`${get("/echo", ...upgrade)}early`);
  await answer("/echo");
  expect(await readUntil(client, "early")).toMatch(/^HTTP\/1\.1 101/);
  client.destroy();
});

test("a client that goes away before it may switch protocols leaves its place", async () => {
  const app = createEchoApp();
  const upgraded: unknown[] = [];
  app.on("upgrade", (request) => upgraded.push(request.url));
  const { port, reports, asked, answer } = await bench({ app, deps: { maxInFlight: 1 } });
  const gone = await dial(port);
  gone.write(get("/gone", ...upgrade));
  await asked("/gone");
  gone.destroy();
  await answer("/gone");
  await reports.next();
  const answered = answer("/next");
  // The place is free as soon as the socket is closed, which is behind the record.
  let line = "";
  while (!line.includes("101")) {
    const next = await dial(port);
    next.write(get("/next", ...upgrade));
    line = await readUntil(next, "\r\n");
    next.destroy();
  }
  await answered;
  expect(upgraded.at(-1)).toBe("/next");
});

test("a decision that fails in a way that it must not is a refusal", async () => {
  const { port, fail, seen } = await bench();
  const client = await dial(port);
  client.write(get("/bug", "Connection: close"));
  await fail("/bug");
  expect(parseRaw(await readAll(client)).status).toBe(500);
  expect(seen).toEqual([]);
});

test("a decision that fails when its client has gone leaves the record as it is", async () => {
  const commits: unknown[] = [];
  const { port, reports, asked, fail } = await bench({
    deps: {
      commit: (report) => {
        commits.push(report);
        return Promise.resolve("written");
      },
    },
  });
  const client = await dial(port);
  client.write(get("/bug"));
  await asked("/bug");
  client.destroy();
  const report = await reports.next();
  await fail("/bug");
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(report).toMatchObject({ reason: null, status: null, aborted: "client" });
  expect(commits).toEqual([]);
});

test("so is one of a connection on an opaque port", async () => {
  const { port, fail, reports } = await bench({
    opaque: true,
  });
  const client = await dial(port);
  await fail("tcp");
  await readAll(client);
  expect((await reports.next()).reason).toBe("internal");
});

test("a shutdown waits for requests that are decided on", async () => {
  let draining = false;
  const made = await bench({ deps: { isDraining: () => draining } });
  const client = await dial(made.port);
  client.write(get("/last"));
  await made.asked("/last");
  draining = true;
  const stopped = made.proxy.stop(10_000);
  await made.answer("/last");
  expect(parseRaw(await readAll(client)).status).toBe(200);
  await stopped;
});
