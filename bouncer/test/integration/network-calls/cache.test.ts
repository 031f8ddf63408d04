/** What is kept between queries, compared with what a real OPA server keeps. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { Client } from "undici";
import { fromJson, parseJson, printTerm } from "../../../src/rego/term.ts";
import { isArray, RegoObject, type Value } from "../../../src/rego/value.ts";
import { fixedNow } from "../differential/harness.ts";
import { openNetwork, send, startHttp } from "./setting.ts";

interface Opa extends AsyncDisposable {
  readonly ask: (request: object) => Promise<Value | undefined>;
}

async function startOpa(): Promise<Opa> {
  const folder = await mkdtemp(join(tmpdir(), "bouncer-opa-"));
  await writeFile(join(folder, "call.rego"), "package call\n\nanswer := http.send(input)\n");
  const socket = join(folder, "opa.sock");
  const args = ["run", "--server", "--addr", `unix://${socket}`, "--log-level", "debug"];
  const opa = spawn("opa", [...args, "--skip-version-check", "call.rego"], { cwd: folder });
  for await (const line of createInterface(opa.stderr)) {
    if (line.includes("Server initialized")) break;
  }
  opa.stderr.resume();
  const client = new Client("http://localhost", { socketPath: socket });
  return {
    ask: async (request) => {
      const { body } = await client.request({
        method: "POST",
        path: "/v1/data/call/answer",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ input: request }),
      });
      const answer = parseJson(await body.text());
      return answer instanceof RegoObject ? answer.get("result") : undefined;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      const ended = once(opa, "exit");
      opa.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

interface Story {
  /** Fields of each request in turn. */
  readonly requests: readonly object[];
  /** Answers to what arrives, in turn; the last one again and again. */
  readonly answers: readonly ((response: ServerResponse) => void)[];
}

const answer =
  (status: number, headers: Readonly<Record<string, string>>, body = "") =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };

const date = (secondsFromNow: number): string =>
  new Date(Date.now() + secondsFromNow * 1000).toUTCString();
const cached = { cache: true };
const forced = { force_cache: true, force_cache_duration_seconds: 60 };
const thrice = <T>(one: T): readonly T[] => [one, one, one];

const stories: Readonly<Record<string, Story>> = {
  "nobody asked to keep it": {
    requests: thrice({}),
    answers: [answer(200, { "cache-control": "max-age=60", date: date(0) }, "a")],
  },
  fresh: {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "max-age=60", date: date(0) }, "a")],
  },
  "fresh, among other directives": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "public, max-age=60, x=1=2", date: date(0) }, "a")],
  },
  "no date": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "max-age=60" }, "a")],
  },
  "old date": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "max-age=60", date: date(-61) }, "a")],
  },
  "max-age in quotes": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": 'max-age="60"', date: date(0) }, "a")],
  },
  "a huge max-age": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "max-age=99999999999999", date: date(0) }, "a")],
  },
  "no-store": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "no-store, max-age=60", date: date(0) }, "a")],
  },
  "no-cache counts as nothing said": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "no-cache, max-age=60", date: date(0) }, "a")],
  },
  expires: { requests: thrice(cached), answers: [answer(200, { expires: date(60) }, "a")] },
  expired: { requests: thrice(cached), answers: [answer(200, { expires: date(-60) }, "a")] },
  "expires never": { requests: thrice(cached), answers: [answer(200, { expires: "0" }, "a")] },
  "max-age before expires": {
    requests: thrice(cached),
    answers: [answer(200, { "cache-control": "max-age=0", expires: date(60), date: date(0) }, "a")],
  },
  ...Object.fromEntries(
    [201, 203, 204, 206, 300, 301, 302, 404, 410, 500].map((status) => [
      `status ${status}`,
      {
        requests: thrice(cached),
        answers: [answer(status, { "cache-control": "max-age=60", date: date(0) })],
      },
    ]),
  ),
  "stale, and it still holds": {
    requests: [...thrice(cached), cached],
    answers: [
      answer(200, { "cache-control": "max-age=0", date: date(0), etag: '"1"', "x-a": "1" }, "a"),
      answer(304, { "cache-control": "max-age=0", date: date(0), etag: '"2"', "x-b": "2" }),
      answer(304, { "cache-control": "max-age=60", date: date(0) }),
    ],
  },
  "stale by the day of change": {
    requests: thrice(cached),
    answers: [answer(200, { "last-modified": date(-1000), "x-a": "1" }, "a"), answer(304, {})],
  },
  "stale, both known": {
    requests: thrice(cached),
    answers: [answer(200, { "last-modified": date(-1000), etag: "W/x" }, "a"), answer(304, {})],
  },
  "stale, and there is something new": {
    requests: [...thrice(cached), cached],
    answers: [
      answer(200, { etag: '"1"' }, "a"),
      answer(200, { etag: '"2"' }, "b"),
      answer(200, { "cache-control": "max-age=60", date: date(0) }, "c"),
    ],
  },
  "something new that says nonsense": {
    requests: thrice({ ...cached, raise_error: false }),
    answers: [
      answer(200, { etag: '"1"' }, "a"),
      answer(200, { "cache-control": "max-age=x", date: date(0) }, "b"),
    ],
  },
  "it still holds, which is said without a date": {
    requests: thrice({ ...cached, raise_error: false }),
    answers: [
      answer(200, { etag: '"1"' }, "a"),
      answer(304, { "cache-control": "max-age=60" }),
      answer(200, { etag: '"1"' }, "b"),
    ],
  },
  "stale, and the server fails": {
    requests: thrice(cached),
    answers: [answer(200, { etag: '"1"' }, "a"), answer(500, {}, "no"), answer(500, {}, "no")],
  },
  "stale, and the connection fails": {
    requests: thrice({ ...cached, raise_error: false }),
    answers: [
      answer(200, { etag: '"1"' }, "a"),
      (response) => response.socket?.end("no HTTP\r\n\r\n"),
      answer(200, {}, "b"),
    ],
  },
  forced: { requests: thrice(forced), answers: [answer(200, {}, "a")] },
  "forced against its will": {
    requests: thrice(forced),
    answers: [answer(200, { "cache-control": "no-store" }, "a")],
  },
  "forced, a failure": { requests: thrice(forced), answers: [answer(500, {}, "a")] },
  "forced for no time": {
    requests: thrice({ ...forced, force_cache_duration_seconds: 0 }),
    answers: [answer(200, { "cache-control": "max-age=60", date: date(0) }, "a")],
  },
  "forced for less": {
    requests: thrice({ ...forced, force_cache_duration_seconds: -5 }),
    answers: [answer(200, {}, "a")],
  },
  "both wishes": { requests: thrice({ ...cached, ...forced }), answers: [answer(200, {}, "a")] },
  deserialized: {
    requests: thrice({ ...forced, caching_mode: "deserialized" }),
    answers: [answer(200, { "content-type": "application/json" }, '{"a":[1.50]}')],
  },
  "an unknown way": {
    requests: thrice({ ...forced, caching_mode: "pickled" }),
    answers: [answer(200, {}, "a")],
  },
  "other requests are others": {
    requests: [
      { ...forced },
      { ...forced, headers: { "x-a": "1" } },
      { ...forced, headers: { "X-A": "1" } },
      { ...forced, raw_body: "" },
      { ...forced, force_json_decode: true },
    ],
    answers: [answer(200, {}, '"a"')],
  },
  "headers that are not looked at": {
    requests: [
      { ...forced, headers: { a: "1", b: "1" }, cache_ignored_headers: ["b"] },
      { ...forced, headers: { a: "1", b: "2" }, cache_ignored_headers: ["b"] },
      { ...forced, headers: { a: "1" }, cache_ignored_headers: ["c"] },
      { ...forced, headers: { a: "2", b: "2" }, cache_ignored_headers: ["b"] },
      { ...forced, headers: { a: "1", B: "2" }, cache_ignored_headers: ["b"] },
      { ...forced, headers: { a: "1" } },
    ],
    answers: [answer(200, {}, "a")],
  },
};

test("what is asked for, and what is answered, is as with OPA", async () => {
  const counts = new Map<string, number>();
  const arrived = new Map<string, string[]>();
  const names = Object.keys(stories);
  await using server = await startHttp((request, response) => {
    const path = request.url ?? "";
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    const { "if-none-match": etag, "if-modified-since": since } = request.headers;
    arrived.set(path, [...(arrived.get(path) ?? []), `${etag ?? "-"} ${since ?? "-"}`]);
    const answers = stories[names[Number(path.split("/")[2])] ?? ""]?.answers ?? [];
    request.resume();
    (answers[count] ?? answers.at(-1))?.(response);
  });
  await using opa = await startOpa();
  await using network = openNetwork();
  const now = BigInt(Date.now()) * 1_000_000n;
  const kinds = { opa: opa.ask, bouncer: (request: object) => send(network, request, { now }) };
  const told: Record<string, unknown>[] = [];
  for (const [side, ask] of Object.entries(kinds)) {
    const record: Record<string, unknown> = {};
    for (const [at, [name, { requests }]] of Object.entries(stories).entries()) {
      const path = `/${side}/${at}`;
      const answers: string[] = [];
      for (const fields of requests) {
        const asked = await ask({ method: "GET", url: server.origin + path, ...fields });
        answers.push(tidy(asked));
      }
      record[name] = { asked: arrived.get(path), answers };
    }
    told.push(record);
  }
  expect(told[1]).toEqual(told[0]);
  expect(told[0]).toMatchObject({
    fresh: { asked: ["- -"] },
    "nobody asked to keep it": { asked: thrice("- -") },
    "stale, and it still holds": { asked: ["- -", '"1" -', '"2" -'] },
  });
}, 120_000);

/** Only the code of an error; how connections are kept is left out. */
function tidy(value: Value | undefined): string {
  if (value === undefined) return "undefined";
  return printTerm(value)
    .replace(/"message":".*?[^\\]"/, "")
    .replace(/"(?:connection|keep-alive)":\[[^\]]*\],?/g, "")
    .replace(",}", "}");
}

const second = 1_000_000_000n;

test("freshness ends by the query's own time", async () => {
  await using server = await startHttp((_request, response) => {
    response.end(String(server.seen.length));
  });
  await using network = openNetwork();
  const request = { method: "GET", url: server.origin, ...forced };
  const at = async (seconds: bigint) =>
    (await send(network, request, { now: fixedNow + seconds * second }))?.get("raw_body");
  expect([await at(0n), await at(59n), await at(60n), await at(61n)]).toEqual(["1", "1", "2", "2"]);
});

test("what is kept is bounded in number and in bytes: the least recently used go first", async () => {
  await using server = await startHttp((request, response) => {
    response.end("x".repeat(Number(request.url?.split("?")[1] ?? "1")));
  });
  const asks = async (network: ReturnType<typeof openNetwork>, paths: readonly string[]) => {
    const before = server.seen.length;
    for (const path of paths) {
      const url = `${server.origin}/${path}`;
      expect(await send(network, { method: "GET", url, ...forced })).toBeDefined();
    }
    return server.seen.slice(before).map((line) => line.slice("GET /".length));
  };
  await using few = openNetwork({ maxCacheEntries: 2 });
  expect(await asks(few, ["a", "b", "a", "c", "a", "b"])).toEqual(["a", "b", "c", "b"]);
  await using small = openNetwork({ maxCacheBytes: 20_000 });
  expect(await asks(small, ["a?8000", "b?8000", "a?8000", "c?30000", "b?8000", "c?30000"])).toEqual(
    ["a?8000", "b?8000", "c?30000", "c?30000"],
  );
  expect(await asks(small, ["d?8000", "a?8000", "b?8000"])).toEqual(["d?8000", "a?8000", "b?8000"]);
  expect(isArray(server.seen)).toBe(true);
});

test("an answer that is kept is not changed by who got it", async () => {
  await using server = await startHttp((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end("[1]");
  });
  await using network = openNetwork();
  const request = { method: "GET", url: server.origin, ...forced };
  const [one, other] = [await send(network, request), await send(network, request)];
  expect(other).not.toBe(one);
  expect(other).toEqual(one);
  expect(fromJson([1])).toEqual(other?.get("body"));
});
