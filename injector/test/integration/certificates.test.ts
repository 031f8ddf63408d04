/** Certificates of several replicas against one API: agreement, renewal under load, repair. */
import { connect as connectTls } from "node:tls";
import { isIssuedBy, parseBundle, parseCertificate } from "bouncer-certs/certificate";
import { rotationPolicy } from "bouncer-certs/rotation";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemTimer, type Timer } from "../../src/loop.ts";
import type { FakeApi } from "./fake-api.ts";
import {
  caBundle,
  paths,
  post,
  ready,
  responseOf,
  review,
  secretData,
  serverName,
  startCluster,
  startReplica,
} from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
const replicas: Replica[] = [];

beforeEach(async () => {
  api = await startCluster();
});

afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.close()));
  await api.close();
});

async function start(
  ...args: Parameters<typeof startReplica> extends [unknown, ...infer R] ? R : []
) {
  const replica = await startReplica(api, ...args);
  replicas.push(replica);
  return replica;
}

interface HandTimer extends Timer {
  /** Lets all waits elapse, again and again, until `done`. */
  elapseUntil(done: () => boolean | Promise<boolean>): Promise<void>;
}

/**
 * Each callback waits until it is called back by hand; no time passes by itself, but for those that
 * an answer has at most: an admission must not be out of time because a day has passed by hand.
 */
function createHandTimer({ answerMs = 0 } = {}): HandTimer {
  const waiting = new Set<() => void>();
  return {
    after: (ms, callback) => {
      if (ms === 0) setImmediate(callback);
      else if (ms <= answerMs) return systemTimer.after(ms, callback);
      else waiting.add(callback);
      return () => void waiting.delete(callback);
    },
    elapseUntil: async (done) => {
      while (!(await done())) {
        const due = [...waiting];
        waiting.clear();
        for (const callback of due) callback();
        await new Promise(setImmediate);
      }
    },
  };
}

/** Certificate that a server presents now. */
async function served(port: number): Promise<string> {
  const socket = connectTls({
    host: "127.0.0.1",
    port,
    servername: serverName,
    ca: caBundle(api) ?? "",
  });
  await new Promise((resolve, reject) => {
    socket.on("secureConnect", resolve);
    socket.on("error", reject);
  });
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256 ?? "";
  socket.destroy();
  return fingerprint.replaceAll(":", "").toLowerCase();
}

describe("replicas that start at once with an empty Secret", () => {
  test("end with one authority and one certificate, which the API server trusts", async () => {
    const both = await Promise.all([start(), start(), start()]);
    await Promise.all(both.map(ready));
    const data = secretData(api.get(paths.secret));
    expect(caBundle(api)).toBe(data["ca.crt"]);
    expect(parseBundle(data["ca.crt"] ?? "")).toHaveLength(1);
    const expected = parseCertificate(data["tls.crt"] ?? "")?.fingerprint;
    const fingerprints = await Promise.all(both.map(({ port }) => served(port)));
    expect(new Set(fingerprints)).toEqual(new Set([expected]));
  });

  test("agree when all of them have read it before any has written", async () => {
    const read = { count: 0, all: Promise.withResolvers<undefined>() };
    api.intercept((method, path) => {
      if (method !== "GET" || path !== paths.secret) return Promise.resolve(undefined);
      read.count += 1;
      if (read.count === 2) read.all.resolve(undefined);
      return read.all.promise;
    });
    const both = await Promise.all([start(), start()]);
    await Promise.all(both.map(ready));
    expect(parseBundle(caBundle(api) ?? "")).toHaveLength(1);
    const [one, other] = await Promise.all(both.map(({ port }) => served(port)));
    expect(one).toBe(other);
    const issued = both.flatMap(({ lines }) =>
      lines.filter((line) => line["kind"] === "authority_issued"),
    );
    expect(issued).toHaveLength(1);
  });
});

test("the bridge's certificate has its names, the same authority, and no authority's key", async () => {
  await ready(await start());
  await api.until(() => secretData(api.get(paths.bridgeSecret))["tls.crt"] !== undefined);
  const data = secretData(api.get(paths.bridgeSecret));
  expect(Object.keys(data).toSorted()).toEqual(["ca.crt", "tls.crt", "tls.key"]);
  expect(data["ca.crt"]).toBe(caBundle(api));
  expect(parseCertificate(data["tls.crt"] ?? "")?.dnsNames).toContain(
    "bouncer-injector-bridge.bouncer-system.svc",
  );
  expect(isIssuedBy(data["tls.crt"] ?? "", caBundle(api) ?? "")).toBe(true);
});

test("a replica that comes later takes over what is there, and writes nothing", async () => {
  await ready(await start());
  const secret = api.get(paths.secret);
  await api.until(() => secretData(api.get(paths.bridgeSecret))["tls.crt"] !== undefined);
  const writes = api.requests.filter((line) => line.startsWith("PATCH")).length;
  await ready(await start());
  expect(api.get(paths.secret)).toEqual(secret);
  expect(api.requests.filter((line) => line.startsWith("PATCH"))).toHaveLength(writes);
});

test("a certificate is renewed and loaded under load without a failed admission", async () => {
  // It begins in the past, since the client's clock is the real one.
  const later = (rotationPolicy.servingLifetime * 2) / 3 + 1;
  let now = Date.now() - later;
  const timer = createHandTimer({ answerMs: 4000 });
  const replica = await start({ now: () => now, timer });
  await ready(replica);
  const before = await served(replica.port);
  const load = { running: true, answered: 0 };
  const client = async (): Promise<void> => {
    do {
      const reply = await post(replica.port, review(), { ca: caBundle(api) ?? "" });
      expect(responseOf(reply).allowed).toBe(true);
      load.answered += 1;
    } while (load.running);
  };
  const clients = Promise.all([client(), client(), client()]);
  now += later;
  await timer.elapseUntil(async () => (await served(replica.port)) !== before);
  const target = load.answered + 10;
  await timer.elapseUntil(() => load.answered >= target);
  load.running = false;
  await clients;
  expect(parseBundle(caBundle(api) ?? "")).toHaveLength(1);
  expect(replica.lines).toContainEqual(
    expect.objectContaining({ kind: "certificate_issued", reason: "due" }),
  );
});

test("a new authority is published long before it signs, and the old one leaves at the end", async () => {
  let now = Date.now();
  const timer = createHandTimer();
  const replica = await start({ now: () => now, timer });
  await ready(replica);
  const first = caBundle(api) ?? "";
  const { authorityLifetime, publishLead, servingLifetime, clockSkew } = rotationPolicy;
  const leaf = (): string => secretData(api.get(paths.secret))["tls.crt"] ?? "";
  const pass = async (later: number, done: () => boolean): Promise<void> => {
    now += later;
    await timer.elapseUntil(done);
  };

  await pass((authorityLifetime * 2) / 3 + 1, () => parseBundle(caBundle(api) ?? "").length === 2);
  const [old, next] = parseBundle(caBundle(api) ?? "");
  expect(old?.pem).toBe(first);
  expect(isIssuedBy(leaf(), first)).toBe(true);

  await pass(publishLead, () => isIssuedBy(leaf(), next?.pem ?? ""));
  expect(parseBundle(caBundle(api) ?? "")).toHaveLength(2);

  await pass(servingLifetime + clockSkew, () => caBundle(api) === next?.pem);
  expect(secretData(api.get(paths.secret))["ca.crt"]).toBe(next?.pem);
});

describe("what somebody else changed is put right", () => {
  test("a caBundle that was taken away", async () => {
    await ready(await start());
    const bundle = caBundle(api);
    api.put(paths.webhook, {
      webhooks: [{ name: "injector.bouncer.dev", clientConfig: { service: { name: "x" } } }],
    });
    await api.until(() => caBundle(api) !== undefined);
    expect(caBundle(api)).toBe(bundle);
  });

  test("a Secret whose content was lost", async () => {
    const timer = createHandTimer();
    const replica = await start({ timer });
    await ready(replica);
    const before = caBundle(api);
    api.put(paths.secret, { type: "Opaque" });
    await timer.elapseUntil(() => caBundle(api) !== before);
    const { fingerprint } =
      parseCertificate(secretData(api.get(paths.secret))["tls.crt"] ?? "") ?? {};
    // Nothing overlaps here, so for a moment the API server trusts what is not served yet.
    const now = (): Promise<string> => served(replica.port).catch(() => "");
    await timer.elapseUntil(async () => (await now()) === fingerprint);
    expect(
      responseOf(await post(replica.port, review(), { ca: caBundle(api) ?? "" })).allowed,
    ).toBe(true);
  });
});

test("while the API server does not answer, what is loaded is served", async () => {
  const timer = createHandTimer();
  const replica = await start({ timer });
  await ready(replica);
  api.intercept(() => Promise.resolve(500));
  const seen = replica.lines.length;
  await timer.elapseUntil(() =>
    replica.lines.slice(seen).some((line) => line["code"] === "api_failed"),
  );
  await ready(replica);
  const reply = await post(replica.port, review(), { ca: caBundle(api) ?? "" });
  expect(responseOf(reply).allowed).toBe(true);
});

test.each([
  { what: "Secret", remove: paths.secret, check: "certificate", error: /Secret/ },
  { what: "webhook configuration", remove: paths.webhook, check: "caBundle", error: /webhook/ },
])(
  "without its $what it is not ready, says why, and recovers",
  async ({ remove, check, error }) => {
    const object = api.get(remove);
    api.remove(remove);
    const timer = createHandTimer();
    const replica = await start({ timer });
    const state = async () => {
      const response = await fetch(`http://127.0.0.1:${replica.adminPort}/ready`);
      return { status: response.status, body: await response.text() };
    };
    await timer.elapseUntil(async () => error.test((await state()).body));
    expect(await state()).toMatchObject({ status: 503 });
    expect((await state()).body).toMatch(new RegExp(`"${check}":"not `));
    api.put(remove, { ...object });
    await timer.elapseUntil(async () => (await state()).status === 200);
  },
);
