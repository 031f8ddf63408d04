/** Following a collection over real sockets: whatever happens to the watch, the list comes right. */
import { afterEach, beforeEach, expect, test } from "vitest";
import * as v from "valibot";
import { systemTimer } from "../../src/loop.ts";
import type { Timer } from "../../src/loop.ts";
import { follow } from "../../src/kube/watch.ts";
import type { Followed } from "../../src/kube/watch.ts";
import { startFakeApi } from "./fake-api.ts";
import type { FakeApi } from "./fake-api.ts";

const collection = "/api/v1/namespaces";
const objectSchema = v.object({
  metadata: v.object({ labels: v.optional(v.object({ a: v.string() })) }),
});

let api: FakeApi;
let followed: Followed<string | null>;
let errors: string[];
/** Names of what was known, at each change. */
let seen: number[];
let paused: number[];
let stalls: (() => void)[];

/** Pauses are over at once; a stall is when the test says so. */
const timer: Timer = {
  after: (ms, callback) => {
    if (ms > 60_000) {
      stalls.push(callback);
      return () => {
        stalls = stalls.filter((other) => other !== callback);
      };
    }
    paused.push(ms);
    return systemTimer.after(1, callback);
  },
};

const put = (name: string, a?: string): void =>
  api.put(`${collection}/${name}`, a === undefined ? {} : { metadata: { labels: { a } } });
const lists = (): number =>
  api.requests.filter((line) => line === `GET ${collection}`).length - api.watched.length;
const watching = (): Promise<void> => api.until(() => api.watches().length === 1);

async function known(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

function start(fieldSelector?: string): void {
  followed = follow({
    apiServer: api.apiServer,
    path: collection,
    pick: (object) => v.parse(objectSchema, object).metadata.labels?.a ?? null,
    onChange: () => seen.push(followed.list().length),
    onError: (error) => errors.push(error instanceof Error ? error.message : String(error)),
    timer,
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  });
}

beforeEach(async () => {
  api = await startFakeApi();
  errors = [];
  seen = [];
  paused = [];
  stalls = [];
  put("one", "x");
});

afterEach(async () => {
  await followed.close();
  await api.close();
});

test("what is there, what comes, changes and goes", async () => {
  start();
  expect(followed.isSynced()).toBe(false);
  await watching();
  expect(followed.isSynced()).toBe(true);
  expect(followed.get("one")).toBe("x");
  put("two", "y");
  put("one", "z");
  await known(() => followed.get("one") === "z");
  expect(followed.get("two")).toBe("y");
  api.remove(`${collection}/one`);
  await known(() => followed.get("one") === undefined);
  expect(followed.list()).toEqual(["y"]);
  expect(seen).toEqual([1, 2, 2, 1]);
  expect(errors).toEqual([]);
  expect(Object.fromEntries(api.watched[0]?.searchParams ?? [])).toEqual({
    watch: "true",
    allowWatchBookmarks: "true",
    timeoutSeconds: "240",
    resourceVersion: "1",
  });
});

test("one of a collection", async () => {
  put("two");
  start("metadata.name=one");
  await watching();
  put("two", "y");
  put("one", "z");
  await known(() => followed.get("one") === "z");
  expect(followed.list()).toEqual(["z"]);
});

test("several hundred, in pages, with characters that pieces cut", async () => {
  for (let index = 0; index < 1200; index += 1) put(`n-${index}`, "ä".repeat(50));
  start();
  await watching();
  expect(lists()).toBe(3);
  for (let index = 0; index < 1200; index += 1) put(`n-${index}`, "é漢🙂".repeat(500));
  await known(() => followed.get("n-1199") === "é漢🙂".repeat(500));
  expect(followed.list()).toHaveLength(1201);
  expect(new Set(followed.list())).toEqual(new Set(["x", "é漢🙂".repeat(500)]));
  expect(errors).toEqual([]);
});

test("an event that comes byte by byte", async () => {
  start();
  await watching();
  const event = {
    type: "ADDED",
    object: { metadata: { name: "slow", resourceVersion: "9", labels: { a: "漢" } } },
  };
  for (const byte of Buffer.from(`${JSON.stringify(event)}\n`)) {
    api.watches()[0]?.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await known(() => followed.get("slow") === "漢");
  expect(errors).toEqual([]);
});

test.each([
  { name: "ended", end: () => api.watches()[0]?.end(), told: [] },
  {
    name: "cut",
    end: () => api.watches()[0]?.destroy(),
    told: [/^Cannot follow \/api\/v1\/namespaces: /],
  },
])("a watch that is $name goes on where it was, without a list", async ({ end, told }) => {
  start();
  await watching();
  put("two", "y");
  await known(() => followed.get("two") === "y");
  const release = await hold(end);
  put("three");
  api.remove(`${collection}/one`);
  release();
  await known(() => followed.get("three") === null && followed.get("one") === undefined);
  expect(lists()).toBe(1);
  expect(api.watched.map((url) => url.searchParams.get("resourceVersion"))).toEqual(["1", "2"]);
  expect(errors).toEqual(told.map((words) => expect.stringMatching(words) as unknown));
});

test("a watch that ends without having brought anything is not asked for at once", async () => {
  start();
  await watching();
  api.watches()[0]?.end();
  await api.until(() => api.watched.length === 2);
  expect(paused).toEqual([1000]);
  expect(errors).toEqual([]);
});

/** Does something to the watch, and keeps what is asked next until it is released. */
async function hold(change: () => unknown): Promise<() => void> {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<undefined>();
  api.intercept(() => {
    asked.resolve();
    return released.promise;
  });
  change();
  await asked.promise;
  return () => released.resolve(undefined);
}

const gone = JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410 } });

test.each([
  { name: "as a status", end: () => api.watches()[0]?.end(), told: [] },
  { name: "as an event", end: () => api.watches()[0]?.write(`${gone}\n`), told: [] },
  {
    name: "garbage",
    end: () => api.watches()[0]?.write("<html>\n"),
    told: [/an event was not understood/],
  },
  {
    name: "no UTF-8",
    end: () => api.watches()[0]?.write(Buffer.of(0xff, 0x0a)),
    told: [/not valid for encoding/],
  },
  {
    name: "a line without an end",
    end: () => api.watches()[0]?.write("x".repeat(9 * 1024 * 1024)),
    told: [/a line is longer than 8388608 bytes/],
  },
])(
  "what was forgotten or not understood ($name) is listed anew, and known meanwhile",
  async ({ end, told }) => {
    start();
    await watching();
    put("two", "y");
    await known(() => followed.get("two") === "y");
    const release = await hold(end);
    api.remove(`${collection}/one`);
    api.compact();
    expect(followed.list()).toEqual(["x", "y"]);
    release();
    await known(() => followed.get("one") === undefined);
    await watching();
    expect(followed.list()).toEqual(["y"]);
    expect(Math.min(...seen)).toBeGreaterThan(0);
    expect(lists()).toBe(2);
    expect(errors).toEqual(told.map((words) => expect.stringMatching(words) as unknown));
  },
);

test("nothing for too long is a lost connection", async () => {
  start();
  await watching();
  await known(() => stalls.length === 1);
  stalls[0]?.();
  await api.until(() => api.watched.length === 2);
  put("two", "y");
  await known(() => followed.get("two") === "y");
  expect(errors).toEqual(["Cannot follow /api/v1/namespaces: nothing came for 255 seconds"]);
  expect(lists()).toBe(1);
});

test("an API server that is gone and comes back: longer and longer pauses, then all of it", async () => {
  let down = true;
  api.intercept(async () => (down ? 0 : undefined));
  start();
  await known(() => paused.length >= 6);
  expect(followed.isSynced()).toBe(false);
  expect(paused.slice(0, 6)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  down = false;
  await watching();
  put("two", "y");
  await known(() => followed.get("two") === "y");
  down = true;
  api.watches()[0]?.destroy();
  await known(() => errors.length > 9);
  expect(followed.list()).toEqual(["x", "y"]);
  api.remove(`${collection}/two`);
  down = false;
  await known(() => followed.get("two") === undefined);
});

test("refused: told in the API server's words, listed when it is allowed again", async () => {
  let status: number | undefined = 403;
  api.intercept(async () => status);
  start();
  await known(() => errors.length > 0);
  expect(errors[0]).toBe("Cannot follow /api/v1/namespaces: answered 403");
  expect(followed.isSynced()).toBe(false);
  status = undefined;
  await watching();
  expect(followed.get("one")).toBe("x");
});

test.each([
  { name: "lists", until: (): boolean => api.requests.length === 1, answers: false },
  { name: "watches", until: (): boolean => api.watches().length === 1, answers: true },
])("closed while it $name", async ({ until, answers }) => {
  if (!answers) api.intercept(() => new Promise(() => undefined));
  start();
  await known(until);
  await followed.close();
  expect(errors).toEqual([]);
  expect(stalls).toEqual([]);
});

test("closed while it pauses", async () => {
  api.intercept(async () => 0);
  const waiting: number[] = [];
  const closed = follow({
    apiServer: api.apiServer,
    path: collection,
    pick: () => null,
    onError: () => undefined,
    timer: { after: (ms) => (waiting.push(ms), () => waiting.pop()) },
  });
  await known(() => waiting.length === 1);
  await closed.close();
  expect(waiting).toEqual([]);
  start();
});
