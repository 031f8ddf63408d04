/**
 * Whatever arrives at the webhook's port, over real TLS: the answer is an AdmissionReview or a
 * documented status, nobody is let through without a bouncer who should have one, and afterwards
 * the server is as it was.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import * as fc from "fast-check";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorTable } from "../../src/errors.ts";
import { arbitraryPod } from "../support/arbitrary-pod.ts";
import type { FakeApi } from "./fake-api.ts";
import {
  caBundle,
  patchedPod,
  pod,
  post,
  ready,
  type Reply,
  responseOf,
  review,
  serverName,
  startCluster,
  startReplica,
} from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
let replica: Replica;
let ca: string;

beforeAll(async () => {
  api = await startCluster();
  replica = await startReplica(api);
  await ready(replica);
  ca = caBundle(api) ?? "";
});

afterAll(async () => {
  await replica.close();
  await api.close();
});

const runs = 150;
const statuses = new Set([404, ...Object.values(errorTable).map(({ status }) => status)]);
const refusal = v.object({ message: v.pipe(v.string(), v.startsWith("Cannot ")) });
const operations = v.array(
  v.looseObject({ path: v.string(), value: v.exactOptional(v.unknown()) }),
);

/** How many pods got their bouncer: fuzz that is refused at the door shows nothing. */
let injected = 0;

/** Throws what is wrong with the answer. */
function check(reply: Reply, object: unknown): void {
  if (reply.status !== 200) {
    expect(statuses).toContain(reply.status);
    v.parse(refusal, reply.body);
    return;
  }
  expect(reply.body).toMatchObject({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
  const response = responseOf(reply);
  if (!response.allowed) {
    expect(response).not.toHaveProperty("patch");
    expect(response.status?.message).not.toBe("");
    return;
  }
  if (response.patch === undefined) {
    expect(mayPass(object)).toBe(true);
    return;
  }
  injected += 1;
  const text = Buffer.from(response.patch, "base64").toString();
  v.parse(operations, JSON.parse(text));
  expect(text).toContain('"name":"bouncer-sidecar"');
}

const field = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (current, key) =>
      typeof current === "object" && current !== null && Object.hasOwn(current, key)
        ? Object.getOwnPropertyDescriptor(current, key)?.value
        : undefined,
    value,
  );

/** As the documentation says who has no bouncer; written anew, to hold the code against it. */
function mayPass(object: unknown): boolean {
  const key = "bouncer.dev/inject";
  return (
    field(object, "metadata", "labels", key) === "false" ||
    field(object, "metadata", "annotations", key) === "false" ||
    field(object, "spec", "hostNetwork") === true ||
    field(object, "spec", "os", "name") === "windows" ||
    field(object, "spec", "nodeSelector", "kubernetes.io/os") === "windows"
  );
}

async function holds(bytes: string | Buffer, object: unknown, type = "application/json") {
  const reply = await post(replica.port, bytes, { ca, headers: { "content-type": type } });
  check(reply, object);
}

const bytesOf = (text: string): Buffer => Buffer.from(text);

describe("bodies", () => {
  test("any bytes", async () => {
    expect.hasAssertions();
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), (bytes) =>
      holds(Buffer.from(bytes), null),
    );
    await fc.assert(property, { numRuns: runs });
  });

  test("any JSON, and JSON that only looks like a review", async () => {
    expect.hasAssertions();
    const looks = fc.record({
      apiVersion: fc.oneof(fc.constant("admission.k8s.io/v1"), fc.jsonValue()),
      kind: fc.oneof(fc.constant("AdmissionReview"), fc.jsonValue()),
      request: fc.jsonValue(),
    });
    const property = fc.asyncProperty(fc.oneof(fc.jsonValue(), looks), (value) =>
      holds(JSON.stringify(value), null),
    );
    await fc.assert(property, { numRuns: runs });
  });

  test("a review that ends early, or has other bytes in it", async () => {
    expect.hasAssertions();
    const whole = bytesOf(review());
    const change = fc.record({
      end: fc.integer({ min: 0, max: whole.length }),
      at: fc.nat(whole.length - 1),
      put: fc.uint8Array({ maxLength: 4 }),
      remove: fc.nat(4),
    });
    const property = fc.asyncProperty(change, async ({ end, at, put, remove }) => {
      await holds(whole.subarray(0, end), pod);
      const bytes = Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + remove)]);
      await holds(bytes, objectIn(bytes));
    });
    await fc.assert(property, { numRuns: runs });
  });
});

function objectIn(bytes: Buffer): unknown {
  try {
    return field(JSON.parse(bytes.toString()), "request", "object");
  } catch {
    return null;
  }
}

describe("reviews", () => {
  /** Something of the request is missing, null, or something else. */
  const request = fc.record(
    {
      uid: fc.oneof(fc.string(), fc.jsonValue()),
      kind: fc.oneof(fc.constant({ group: "", version: "v1", kind: "Pod" }), fc.jsonValue()),
      subResource: fc.oneof(fc.constantFrom("", "status", "ephemeralcontainers"), fc.jsonValue()),
      namespace: fc.oneof(fc.constantFrom("shop", "", "gone", "../shop"), fc.jsonValue()),
      operation: fc.oneof(fc.constantFrom("CREATE", "UPDATE", "DELETE"), fc.jsonValue()),
      dryRun: fc.oneof(fc.boolean(), fc.jsonValue()),
      options: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );

  test("that are not as they should be", async () => {
    expect.hasAssertions();
    const property = fc.asyncProperty(request, async (changed) => {
      await holds(review(changed), pod);
    });
    await fc.assert(property, { numRuns: runs });
  });

  test("of pods as nobody writes them", async () => {
    expect.hasAssertions();
    const property = fc.asyncProperty(arbitraryPod, (object) => holds(review({ object }), object));
    await fc.assert(property, { numRuns: runs });
  });

  test("of pods with something else in one place", async () => {
    expect.hasAssertions();
    const base = JSON.parse(
      JSON.stringify({
        ...pod,
        metadata: { ...pod.metadata, labels: { app: "x" }, annotations: { a: "b" } },
        spec: {
          ...pod.spec,
          initContainers: [{ name: "init", restartPolicy: "Always" }],
          volumes: [{ name: "v" }],
          restartPolicy: "Always",
          hostNetwork: false,
          nodeSelector: { a: "b" },
          securityContext: {},
        },
      }),
    ) as unknown;
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(null, [], {}, "", 0, -1, 1e308, "__proto__", "x".repeat(70_000)),
      fc.constant(JSON.parse('{"__proto__":{"hostNetwork":true},"constructor":null}')),
    );
    const paths = pathsOf(base);
    const property = fc.asyncProperty(fc.nat(paths.length - 1), odd, async (index, value) => {
      const object = replaceAt(base, paths[index] ?? [], value);
      await holds(review({ object }), object);
    });
    await fc.assert(property, { numRuns: runs });
  });

  test("of pods with any status and any annotation of ours", async () => {
    expect.hasAssertions();
    const names = ["status", "mode", "app-ports", "preset", "image", "extra-env", "cache-ttl", "x"];
    const annotations = fc.dictionary(
      fc.constantFrom(...names.map((name) => `bouncer.dev/${name}`)),
      fc.oneof(fc.json(), fc.string(), fc.constantFrom("redirect", "service", "1-65535", "large")),
    );
    const property = fc.asyncProperty(annotations, async (given) => {
      const object = { ...pod, metadata: { ...pod.metadata, annotations: given } };
      await holds(review({ object }), object);
    });
    await fc.assert(property, { numRuns: runs });
  });

  test.each([199, 200, 201, 5000])("with %i levels", async (levels) => {
    expect.hasAssertions();
    const deep = `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const text = review({ object: { ...pod, extra: "deep" } }).replace('"deep"', deep);
    await holds(text, pod);
  });

  test.each([
    "text/plain",
    "application/json; charset=utf-16",
    "application/yaml",
    "*/*",
    "\u00FF",
  ])("as %s", async (type) => {
    expect.hasAssertions();
    await holds(review(), pod, type);
  });

  test("of 9 MiB, in one pod", async () => {
    const metadata = { ...pod.metadata, annotations: { a: "x".repeat(9 * 1024 * 1024) } };
    const reply = await post(replica.port, review({ object: { ...pod, metadata } }), { ca });
    expect(reply.status).toBe(413);
  });
});

type Path = readonly string[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]));
  return [path, ...below];
}

function replaceAt(value: unknown, [key, ...rest]: Path, item: unknown): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return item;
  const entries = Object.entries(value).map(([name, old]): [string, unknown] => [
    name,
    name === key ? replaceAt(old, rest, item) : old,
  ]);
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

const open = (): Socket =>
  connectTls({ host: "127.0.0.1", port: replica.port, servername: serverName, ca });

/** What the server says until it closes. */
async function talk(socket: Socket, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const received: Buffer[] = [];
  const closed = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.on("error", () => undefined);
  socket.on("close", () => closed.resolve());
  for (const part of parts) socket.write(part);
  await closed.promise;
  return Buffer.concat(received).toString("latin1");
}

/** Bytes that look like the begin of TLS get an alert (RFC 8446, 6): a record of type 21. */
const refusesBytes = (answer: string): boolean =>
  answer === "" || answer.startsWith("HTTP/1.1 400 ") || answer.charCodeAt(0) === 21;

describe("connections", () => {
  const head = "POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  const body = review();
  const chunked = `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`;

  test("a body in chunks of any size is a body", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(sizes, async (lengths) => {
      const parts: string[] = [chunked];
      let rest = body;
      for (const length of [...lengths, body.length]) {
        const part = rest.slice(0, length);
        rest = rest.slice(length);
        if (part !== "") parts.push(`${part.length.toString(16)}\r\n${part}\r\n`);
      }
      const answer = await talk(open(), ...parts, "0\r\n\r\n");
      expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*"allowed":true/);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  test.each([
    ["two lengths", `${head}content-length: 5\r\ncontent-length: 6\r\n\r\n{}`],
    ["a negative length", `${head}content-length: -1\r\n\r\n`],
    ["a length that is no number", `${head}content-length: 1e3\r\n\r\n`],
    [
      "a length and chunks",
      `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["a chunk of no size", `${chunked}zz\r\n{}\r\n0\r\n\r\n`],
    ["headers without an end", `${head}x: ${"y".repeat(20_000)}`],
    ["no HTTP", "\u0000\u0001\u0002\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s: 4xx, and the connection ends", async (_, text) => {
    expect(await talk(open(), text)).toMatch(/^HTTP\/1\.1 (4\d\d) /);
  });

  test("a length larger than the body: the client is cut off, nobody is allowed", async () => {
    const socket = open();
    socket.setTimeout(500, () => socket.end());
    const length = Buffer.byteLength(body) + 1;
    const answer = await talk(socket, `${head}content-length: ${length}\r\n\r\n${body}`);
    expect(answer).not.toContain('"allowed":true');
  });

  test("bytes without TLS get no answer, or one that says so", async () => {
    const property = fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ minLength: 5, maxLength: 300 }),
        fc.constantFrom(bytesOf(`${head}\r\n`), bytesOf("\u0016\u0003\u0001\u0002\u0000\u0001")),
      ),
      async (bytes) => {
        const socket = connect(replica.port, "127.0.0.1");
        socket.setTimeout(200, () => socket.destroy());
        expect(await talk(socket, bytes)).toSatisfy(refusesBytes);
      },
    );
    await fc.assert(property, { numRuns: 15 });
  });

  test("a hundred clients that stop in the middle are in nobody's way", async () => {
    const stopped = Array.from({ length: 100 }, () => open());
    for (const socket of stopped) {
      socket.on("error", () => undefined);
      socket.write(`${head}content-length: 1000\r\n\r\n{`);
    }
    expect(responseOf(await post(replica.port, body, { ca }))).toMatchObject({ allowed: true });
    for (const socket of stopped) socket.destroy();
  });
});

test("afterwards a good request is answered, no bug was met, and memory is sane", async () => {
  const reply = await post(replica.port, review(), { ca });
  expect(patchedPod(reply).spec.initContainers.at(-1)?.name).toBe("bouncer-sidecar");
  expect(injected).toBeGreaterThan(runs);
  expect(replica.lines.filter(({ msg }) => msg === "bug in admission")).toEqual([]);
  expect(replica.lines.filter(({ code }) => code === "internal")).toEqual([]);
  expect(process.memoryUsage().heapUsed / 1024 ** 2).toBeLessThan(512);
});
