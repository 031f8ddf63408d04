/** Bodies in pieces that come and go at awkward moments: every byte arrives, once, and in its place. */
import { EventEmitter } from "node:events";
import type { RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { Policy } from "../../../src/policy/decision.ts";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  createTestPolicy,
  type Decide,
  deny,
  dial,
  readAll,
  readUntil,
} from "./harness.ts";

const benches: Bench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

async function start(options: BenchOptions): Promise<Bench> {
  const bench = await createBench(options);
  benches.push(bench);
  return bench;
}

/** Answers with what it got as soon as it has all of it; `got` is emitted with how much that is. */
class Echo extends EventEmitter {
  readonly app: RequestListener = (request, response) => {
    let text = "";
    request.setEncoding("latin1");
    request.on("data", (part: string) => {
      text += part;
      this.emit("got", text.length);
    });
    request.on("end", () => {
      response.setHeader("content-length", text.length);
      response.end(text, "latin1");
    });
  };

  hasGot(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.on("got", (count: number) => {
        if (count >= bytes) resolve();
      });
    });
  }
}

const echo: RequestListener = new Echo().app;

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** A policy that takes its time. */
function slowly(policy: Policy): Policy {
  return {
    ...policy,
    decide: async (head, body) => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return await policy.decide(head, body);
    },
  };
}

const post = "POST / HTTP/1.1\r\nHost: a\r\n";
const chunkedPost = `${post}Transfer-Encoding: chunked\r\n\r\n`;

const onlyPost: Decide = ({ method }) => (method === "POST" ? allow : deny);

describe.each([
  ["at once", (policy: Policy) => policy],
  ["later", slowly],
])("a policy that reads the first bytes of bodies, and decides %s", (_when, make) => {
  const options = {
    bodyBytes: 10,
    deps: { policy: make(createTestPolicy(onlyPost, { bodyBytes: 10 })) },
  };

  test("lets the rest of a body through that comes after the decision", async () => {
    const app = new Echo();
    const { port } = await start({ ...options, app: app.app });
    const client = await dial(port);
    const got = app.hasGot(20);
    client.write(`${post}Content-Length: 30\r\n\r\n01234567890123456789`);
    await got;
    client.write("abcdefghij");
    expect(await readUntil(client, "abcdefghij")).toContain("01234567890123456789abcdefghij");
    client.destroy();
  });

  test("lets the end of a body through that comes before it", async () => {
    const { port } = await start({ ...options, app: echo });
    const client = await dial(port);
    client.write(`${chunkedPost}${chunk("01234567890123456789")}0\r\n\r\n`);
    expect(await readUntil(client, "0123456789")).toMatch(/ 200 /);
    client.destroy();
  });

  test("drops the rest of a body that it refuses, and goes on behind it", async () => {
    const { port } = await start({ ...options, app: echo });
    const client = await dial(port);
    client.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n01234567890123456789");
    expect(await readUntil(client, "}")).toMatch(/ 403 /);
    client.write(`01234567890123456789${post}Content-Length: 4\r\n\r\nnext`);
    expect(await readUntil(client, "next")).toMatch(/ 200 /);
    client.destroy();
  });
});

test("a policy that reads much of large bodies sees what the application gets", async () => {
  const text = Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join("");
  let seen = "";
  const { port } = await start({
    app: echo,
    bodyBytes: 400_000,
    decide: (_head, body) => {
      seen = Buffer.from(body?.bytes ?? []).toString("latin1");
      return allow;
    },
  });
  const client = await dial(port);
  client.write(`${post}Connection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  const answer = await readAll(client);
  expect(seen === text.slice(0, 400_000)).toBe(true);
  expect(answer.endsWith(`\r\n\r\n${text}`)).toBe(true);
});
