/** Following a bridge, with what is followed in the test's hands: several bundles, candidates, counts. */
import type { RequestListener } from "node:http";
import {
  type CandidateTerms,
  type Hint,
  type Status,
  statusIntervalMs,
} from "bouncer-bridge/protocol";
import { expect, test } from "vitest";
import { AppError } from "../../../src/errors.ts";
import type { BundleIdentity } from "../../../src/policy/decision.ts";
import { createBridgeSync } from "../../../src/sync/bridge.ts";
import { createFetcher } from "../../../src/sync/fetch.ts";
import { pullBackoff } from "../../../src/sync/follower.ts";
import { linkTiming } from "../../../src/sync/link.ts";
import type { Candidate, CandidateCounts, Receiver } from "../../../src/sync/source.ts";
import { configOf, createClock, silent } from "../policy/setting.ts";
import { Events, startServer, type ServerOptions } from "./server.ts";
import { hintTo, sha256 } from "./setting.ts";

const files: Readonly<Record<string, Buffer>> = {
  "/bundles/a.tar.gz": Buffer.from("content of a"),
  "/bundles/b.tar.gz": Buffer.from("content of b"),
  "/bundles/next.tar.gz": Buffer.from("content of next"),
};
const bytesOf = (name: string): Buffer => files[`/bundles/${name}`] ?? Buffer.alloc(0);

const answer: RequestListener = (request, response) => {
  const bytes = files[request.url ?? ""];
  if (bytes === undefined) response.writeHead(404).end();
  else response.end(bytes);
};

/** Takes everything, and writes down what it was given. */
function createReceiver() {
  const active = new Map<string, BundleIdentity>();
  const given = new Events<{ readonly name: string; readonly candidate: Candidate | null }>();
  const state = {
    decisions: 0,
    refused: 0,
    candidates: new Map<string, CandidateCounts>(),
    refuse: null as AppError | null,
    refuseCandidate: null as AppError | null,
    error: null as AppError | null,
  };
  const receiver: Receiver = {
    active: (name) => active.get(name) ?? null,
    activate: async (bytes, name) => {
      if (state.refuse !== null) throw state.refuse;
      const about = { name, revision: `r-${name}`, sha256: sha256(bytes) };
      const identity = { ...about, serial: null, deltas: 0 };
      active.set(name, identity);
      return identity;
    },
    candidate: async (name, candidate) => {
      given.push({ name, candidate });
      if (candidate !== null && state.refuseCandidate !== null) throw state.refuseCandidate;
    },
    counts: () => ({
      decisions: state.decisions,
      refused: state.refused,
      candidates: new Map(state.candidates),
    }),
    report: (error) => {
      state.error = error;
    },
    connected: () => undefined,
  };
  return { receiver, active, given, state };
}

async function start(bundles: readonly string[], options: ServerOptions = {}) {
  const server = await startServer({ answer, ...options });
  const config = configOf({
    POLICY_BUNDLE_URL: bundles.map((name) => `https://elsewhere.invalid/${name}`).join(","),
    POD_NAME: "orders-1",
    POD_NAMESPACE: "shop",
  });
  const timing = createClock();
  const fetcher = createFetcher(config);
  const received = createReceiver();
  const { receiver } = received;
  const url = new URL(`${server.origin.replace("http", "ws")}/v1/sync`);
  const deps = { config, fetcher, receiver, clock: timing.clock, log: silent, version: "1.2.3" };
  const sync = createBridgeSync(deps, url);
  return {
    ...received,
    server,
    timing,
    sync,
    hint: (name: string, overrides: Partial<Hint> = {}): string =>
      hintTo(bytesOf(name), { bundle: name, url: `/bundles/${name}`, ...overrides }),
    async status(): Promise<Status> {
      for (;;) {
        const message = await server.messages.take();
        if (message.kind === "status") return message;
      }
    },
    async [Symbol.asyncDispose]() {
      await sync.close();
      await fetcher.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function termsOf(name: string, overrides: Partial<CandidateTerms> = {}): CandidateTerms {
  return {
    revision: "next",
    url: `/bundles/${name}`,
    sha256: sha256(bytesOf(name)),
    enforce: false,
    maxRefusalRateChange: 0.05,
    minDecisions: 100,
    ...overrides,
  };
}

function countsOf(overrides: Partial<CandidateCounts> = {}): CandidateCounts {
  return {
    revision: "next",
    sha256: sha256(bytesOf("next.tar.gz")),
    enforced: false,
    decisions: 10,
    differing: 2,
    wouldRefuse: 1,
    stopped: null,
    ...overrides,
  };
}

const isBackoff = (ms: number): boolean => ms !== linkTiming.heartbeatMs && ms !== statusIntervalMs;

test("several bundles: all are asked for, each is followed, every status says all", async () => {
  await using bouncer = await start(["a.tar.gz", "b.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  expect(await bouncer.server.messages.take()).toMatchObject({
    kind: "hello",
    protocol: 2,
    bundles: ["a.tar.gz", "b.tar.gz"],
  });
  socket.send(bouncer.hint("b.tar.gz"));
  expect((await bouncer.status()).bundles).toMatchObject([
    { bundle: "a.tar.gz", sha256: null, error: null },
    { bundle: "b.tar.gz", sha256: sha256(bytesOf("b.tar.gz")), error: null },
  ]);
  socket.send(bouncer.hint("a.tar.gz"));
  expect((await bouncer.status()).bundles).toMatchObject([
    { revision: "r-a.tar.gz" },
    { revision: "r-b.tar.gz" },
  ]);
});

test("what fails of one bundle is said until it is well, whatever becomes of the other", async () => {
  await using bouncer = await start(["a.tar.gz", "b.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  bouncer.state.refuse = new AppError("bundle_invalid", "no bundle");
  socket.send(bouncer.hint("a.tar.gz"));
  expect((await bouncer.status()).bundles).toMatchObject([{ error: "bundle_invalid" }, {}]);
  bouncer.state.refuse = null;
  socket.send(bouncer.hint("b.tar.gz"));
  expect((await bouncer.status()).bundles).toMatchObject([
    { error: "bundle_invalid" },
    { error: null, revision: "r-b.tar.gz" },
  ]);
  expect(bouncer.state.error?.code).toBe("bundle_invalid");
  socket.send(bouncer.hint("a.tar.gz", { revision: "again" }));
  expect((await bouncer.status()).bundles).toMatchObject([{ error: null }, { error: null }]);
  expect(bouncer.state.error).toBeNull();
});

test("a hint for a bundle that was not asked for is passed over", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  socket.send(bouncer.hint("b.tar.gz"));
  socket.send(bouncer.hint("a.tar.gz"));
  await bouncer.status();
  expect([...bouncer.active.keys()]).toEqual(["a.tar.gz"]);
});

test("a candidate is handed over with its terms, loaded when it is wanted, and taken away", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  socket.send(bouncer.hint("a.tar.gz", { candidate: termsOf("next.tar.gz") }));
  await bouncer.status();
  const first = await bouncer.given.take();
  expect(first).toMatchObject({ name: "a.tar.gz", candidate: { terms: { enforce: false } } });
  expect(bouncer.server.requests.all.map(({ url }) => url)).toEqual(["/bundles/a.tar.gz"]);
  expect(Buffer.from((await first.candidate?.load()) ?? [])).toEqual(bytesOf("next.tar.gz"));

  socket.send(bouncer.hint("a.tar.gz", { candidate: termsOf("next.tar.gz", { enforce: true }) }));
  expect((await bouncer.given.take()).candidate?.terms.enforce).toBe(true);
  socket.send(bouncer.hint("a.tar.gz"));
  expect(await bouncer.given.take()).toEqual({ name: "a.tar.gz", candidate: null });
});

test("a candidate that cannot be used is reported, and the bundle is not the worse for it", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  bouncer.state.refuseCandidate = new AppError("bundle_signature", "not signed");
  const candidate = termsOf("next.tar.gz");
  socket.send(bouncer.hint("a.tar.gz", { candidate }));
  expect((await bouncer.status()).bundles).toEqual([
    {
      bundle: "a.tar.gz",
      revision: "r-a.tar.gz",
      sha256: sha256(bytesOf("a.tar.gz")),
      error: null,
      candidate: {
        revision: "next",
        sha256: candidate.sha256,
        enforced: false,
        error: "bundle_signature",
        decisions: 0,
        differing: 0,
        wouldRefuse: 0,
        stopped: null,
      },
    },
  ]);
  expect(bouncer.state.error?.code).toBe("bundle_signature");
});

test("a candidate that cannot be had is tried again", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  bouncer.state.refuseCandidate = new AppError("bundle_unreachable", "away");
  socket.send(bouncer.hint("a.tar.gz", { candidate: termsOf("next.tar.gz") }));
  expect((await bouncer.status()).bundles[0]?.candidate?.error).toBe("bundle_unreachable");
  bouncer.state.refuseCandidate = null;
  expect(await bouncer.timing.tick(isBackoff)).toBe(pullBackoff.baseMs / 2);
  expect((await bouncer.status()).bundles[0]?.candidate).toBeNull();
});

test("counts: each once, with the next status or when it is time, and nothing when nothing is new", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  const socket = await bouncer.server.sockets.take();
  Object.assign(bouncer.state, { decisions: 5, refused: 2 });
  bouncer.state.candidates.set("a.tar.gz", countsOf());
  socket.send(bouncer.hint("a.tar.gz"));
  expect(await bouncer.status()).toMatchObject({
    decisions: 5,
    refused: 2,
    bundles: [{ candidate: { decisions: 10, differing: 2, wouldRefuse: 1, stopped: null } }],
  });
  // Time passes twice, the first time without news.
  await bouncer.timing.tick((ms) => ms === statusIntervalMs);
  Object.assign(bouncer.state, { decisions: 12, refused: 2 });
  bouncer.state.candidates.set("a.tar.gz", countsOf({ decisions: 13, differing: 4 }));
  await bouncer.timing.tick((ms) => ms === statusIntervalMs);
  expect(await bouncer.status()).toMatchObject({
    decisions: 7,
    refused: 0,
    bundles: [{ candidate: { decisions: 3, differing: 2, wouldRefuse: 0 } }],
  });
  // Another candidate begins anew.
  const other = countsOf({ sha256: "0".repeat(64), decisions: 1, differing: 1 });
  bouncer.state.candidates.set("a.tar.gz", other);
  bouncer.sync.changed();
  expect(await bouncer.status()).toMatchObject({
    decisions: 0,
    bundles: [{ candidate: { decisions: 1, differing: 1 } }],
  });
});

test("a candidate that was given up is told at once, or with the first status after the link is back", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  await bouncer.server.sockets.take();
  await bouncer.server.messages.take();
  bouncer.state.candidates.set("a.tar.gz", countsOf({ stopped: "refuses too much" }));
  bouncer.sync.changed();
  expect((await bouncer.status()).bundles[0]?.candidate?.stopped).toBe("refuses too much");

  bouncer.server.cut();
  await bouncer.timing.tick(isBackoff);
  const again = await bouncer.server.sockets.take();
  again.send(bouncer.hint("a.tar.gz"));
  expect((await bouncer.status()).bundles[0]?.candidate).toMatchObject({
    decisions: 0,
    stopped: "refuses too much",
  });
});

test("what was counted without a link is told with it", async () => {
  await using bouncer = await start(["a.tar.gz"]);
  await bouncer.server.sockets.take();
  bouncer.server.cut();
  await bouncer.timing.tick(isBackoff);
  bouncer.state.decisions = 3;
  const socket = await bouncer.server.sockets.take();
  socket.send(bouncer.hint("a.tar.gz"));
  expect((await bouncer.status()).decisions).toBe(3);
});

test.each([
  ["protocol_unsupported", "says that it does not know the version"],
  ["message_invalid", "does not know the shape of the hello"],
])("a bridge of version 1 (%s: %s) is spoken to in version 1, at once", async (reason) => {
  await using bouncer = await start(["a.tar.gz", "b.tar.gz"], { isOld: true });
  const refused = await bouncer.server.sockets.take();
  expect(await bouncer.server.raw.take()).toMatchObject({ kind: "hello", protocol: 2 });
  refused.close(1008, reason);

  const socket = await bouncer.server.sockets.take();
  expect(await bouncer.server.raw.take()).toEqual({
    kind: "hello",
    protocol: 1,
    bouncer: "shop/orders-1",
    version: "1.2.3",
    bundle: "a.tar.gz",
  });
  const hash = sha256(bytesOf("a.tar.gz"));
  const url = "/bundles/a.tar.gz";
  socket.send(JSON.stringify({ kind: "hint", revision: "r", url, sha256: hash }));
  expect(await bouncer.server.raw.take()).toEqual({
    kind: "status",
    revision: "r-a.tar.gz",
    sha256: hash,
    error: null,
  });
  expect(bouncer.state.error).toBeNull();

  // The replica that answers next may be newer.
  bouncer.server.cut();
  await bouncer.timing.tick(isBackoff);
  await bouncer.server.sockets.take();
  expect(await bouncer.server.raw.take()).toMatchObject({ protocol: 2 });
});

test("a bridge that refuses version 1, too, is tried again later", async () => {
  await using bouncer = await start(["a.tar.gz"], { isOld: true });
  for (const version of [2, 1]) {
    const socket = await bouncer.server.sockets.take();
    expect(await bouncer.server.raw.take()).toMatchObject({ protocol: version });
    socket.close(1008, "protocol_unsupported");
  }
  expect(await bouncer.timing.tick(isBackoff)).toBe(500);
  await bouncer.server.sockets.take();
  expect(await bouncer.server.raw.take()).toMatchObject({ protocol: 2 });
});

test("refresh pulls every bundle", async () => {
  await using bouncer = await start(["a.tar.gz", "b.tar.gz"]);
  await bouncer.server.sockets.take();
  await bouncer.sync.refresh();
  expect([...bouncer.active.keys()].toSorted()).toEqual(["a.tar.gz", "b.tar.gz"]);
});
