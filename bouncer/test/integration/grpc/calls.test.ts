/** Real gRPC on both sides of the codecs: all kinds of calls, and all the ways that they end. */
import { once } from "node:events";
import {
  type Client,
  type ClientReadableStream,
  Metadata,
  type ServerOptions,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createClient,
  type EchoHandlers,
  type EchoServer,
  methods,
  same,
  startEcho,
} from "./echo.ts";
import { type Joint, joints, type StartJoint } from "./joint.ts";

let startJoint: StartJoint;
const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

const ordinary: EchoHandlers = {
  unary: (call, callback) => {
    callback(null, call.request);
  },
  collect: (call, callback) => {
    let bytes = 0;
    call.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    call.on("end", () => {
      callback(null, Buffer.from(String(bytes)));
    });
  },
  repeat: (call) => {
    for (let i = 0; i < Number(call.request.toString()); i++) call.write(Buffer.from(`no ${i}`));
    call.end();
  },
  echo: (call) => {
    call.on("data", (chunk: Buffer) => call.write(chunk));
    call.on("end", () => {
      call.end();
    });
  },
};

interface Started {
  readonly app: EchoServer;
  readonly joint: Joint;
  readonly client: Client;
}

async function start(
  handlers: Partial<EchoHandlers> = {},
  options: ServerOptions = {},
): Promise<Started> {
  const app = await startEcho({ ...ordinary, ...handlers }, options);
  const joint = await startJoint(app.port);
  const client = createClient(joint.port);
  open.push(
    () => {
      app.server.forceShutdown();
    },
    () => joint.close(),
    () => {
      client.close();
    },
  );
  return { app, joint, client };
}

type Answer = { readonly error: ServiceError | null; readonly value: Buffer | undefined };

function unary(
  client: Client,
  request: Buffer,
  metadata = new Metadata(),
  deadline = Number.POSITIVE_INFINITY,
): Promise<Answer> {
  const { path, requestSerialize, responseDeserialize } = methods.unary;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, value) => {
        resolve({ error, value });
      },
    );
  });
}

function bidi(client: Client, metadata = new Metadata()) {
  const { path, requestSerialize, responseDeserialize } = methods.echo;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
}

function repeat(client: Client, count: number): ClientReadableStream<Buffer> {
  const { path, requestSerialize, responseDeserialize } = methods.repeat;
  const request = Buffer.from(String(count));
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
}

/** Of a call that fails. */
function failure(call: NodeJS.EventEmitter): Promise<ServiceError> {
  return new Promise((resolve) => call.once("error", resolve));
}

describe.each(joints)("%s", (_name, chosen) => {
  beforeEach(() => {
    startJoint = chosen;
  });

  test("a unary call", async () => {
    const { client } = await start();
    const { error, value } = await unary(client, Buffer.from("hello"));
    expect(error).toBeNull();
    expect(value?.toString()).toBe("hello");
  });

  test("an empty message", async () => {
    const { client } = await start();
    const { error, value } = await unary(client, Buffer.alloc(0));
    expect(error).toBeNull();
    expect(value?.length).toBe(0);
  });

  test("metadata goes to and fro, binary included, in the head and behind the answer", async () => {
    const bytes = Buffer.from([0, 1, 2, 253, 254, 255]);
    const { client } = await start({
      unary: (call, callback) => {
        const head = new Metadata();
        head.set("x-seen", call.metadata.get("x-text").join("|"));
        call.sendMetadata(head);
        const trailer = new Metadata();
        for (const value of call.metadata.get("x-data-bin")) trailer.add("x-back-bin", value);
        callback(null, call.request, trailer);
      },
    });
    const { path, requestSerialize, responseDeserialize } = methods.unary;
    const metadata = new Metadata();
    metadata.add("x-text", "one");
    metadata.add("x-text", "two");
    metadata.add("x-data-bin", bytes);
    const seen: Metadata[] = [];
    await new Promise<void>((resolve) => {
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.from("x"),
        metadata,
        () => {
          call.on("status", (end) => {
            seen.push(end.metadata);
            resolve();
          });
        },
      );
      call.on("metadata", (head) => seen.push(head));
    });
    expect(seen[0]?.get("x-seen")).toEqual(["one, two"]);
    expect(seen[1]?.get("x-back-bin")).toEqual([bytes]);
  });

  test("an error is an answer of trailers only", async () => {
    const { client } = await start({
      unary: (_call, callback) => {
        const metadata = new Metadata();
        metadata.set("x-why", "because");
        callback({ code: status.FAILED_PRECONDITION, details: "not now: ä", metadata });
      },
    });
    const { error } = await unary(client, Buffer.from("x"));
    expect(error?.code).toBe(status.FAILED_PRECONDITION);
    expect(error?.details).toBe("not now: ä");
    expect(error?.metadata.get("x-why")).toEqual(["because"]);
  });

  test("a method that is not there", async () => {
    const { client } = await start();
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest("/test.Echo/No", same, same, Buffer.alloc(0), (failed) => {
        resolve(failed);
      });
    });
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });

  test("a stream of requests", async () => {
    const { client } = await start();
    const { path, requestSerialize, responseDeserialize } = methods.collect;
    const value = await new Promise<Buffer | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        (error, answer) => {
          if (error === null) resolve(answer);
          else reject(error);
        },
      );
      for (let i = 0; i < 100; i++) call.write(Buffer.alloc(1000));
      call.end();
    });
    expect(value?.toString()).toBe("100000");
  });

  test("a stream of answers", async () => {
    const { client } = await start();
    const answers: string[] = [];
    for await (const chunk of repeat(client, 500)) answers.push(String(chunk));
    expect(answers.length).toBe(500);
    expect(answers[499]).toBe("no 499");
  });

  test("a conversation, message by message", async () => {
    const { client } = await start();
    const call = bidi(client);
    for (const text of ["one", "two", "three"]) {
      const answered = once(call, "data");
      call.write(Buffer.from(text));
      expect(await answered).toEqual([Buffer.from(text)]);
    }
    const ended = once(call, "status");
    call.end();
    expect(await ended).toEqual([expect.objectContaining({ code: status.OK })]);
  });

  test("the server speaks first, and before the client has said anything", async () => {
    const { client } = await start({
      echo: (call) => {
        call.write(Buffer.from("welcome"));
        call.on("end", () => {
          call.end();
        });
        call.resume();
      },
    });
    const call = bidi(client);
    expect(await once(call, "data")).toEqual([Buffer.from("welcome")]);
    const ended = once(call, "status");
    call.end();
    await ended;
  });

  test("the server ends a conversation that the client would go on with", async () => {
    const { client } = await start({
      echo: (call) => {
        call.once("data", () => {
          call.emit("error", { code: status.OUT_OF_RANGE, details: "enough" });
        });
      },
    });
    const call = bidi(client);
    call.on("data", () => undefined);
    const failed = failure(call);
    call.write(Buffer.from("x"));
    expect((await failed).code).toBe(status.OUT_OF_RANGE);
  });

  test("messages of 4 MB and more, both ways", async () => {
    const { client } = await start();
    const big = Buffer.alloc(6 * 1024 * 1024, "abcdefg");
    const answers = await Promise.all(Array.from({ length: 4 }, () => unary(client, big)));
    for (const { error, value } of answers) {
      expect(error).toBeNull();
      expect(value?.equals(big)).toBe(true);
    }
  });

  test("a client that does not read keeps its server waiting, and nobody else", async () => {
    let written = 0;
    const { client } = await start({
      repeat: (call) => {
        const chunk = Buffer.alloc(64 * 1024);
        const write = (): void => {
          while (written < 64 * 1024 * 1024) {
            written += chunk.length;
            if (!call.write(chunk)) {
              call.once("drain", write);
              return;
            }
          }
          call.end();
        };
        write();
      },
    });
    const stalled = repeat(client, 0);
    stalled.pause();
    await once(stalled, "metadata");
    for (let i = 0; i < 50; i++) {
      const { value } = await unary(client, Buffer.alloc(100_000, "x"));
      expect(value?.length).toBe(100_000);
    }
    // What both ends, the codecs and the kernel hold, and far from all of it.
    expect(written).toBeLessThan(24 * 1024 * 1024);
    const failed = failure(stalled);
    stalled.cancel();
    expect((await failed).code).toBe(status.CANCELLED);
  });

  test("a thousand calls at a time", async () => {
    const { client } = await start();
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => unary(client, Buffer.from(`call ${i}`))),
    );
    expect(answers.filter(({ error }) => error !== null)).toEqual([]);
    expect(answers.map(({ value }, i) => value?.toString() === `call ${i}`)).not.toContain(false);
  });

  test("an application that takes few calls on a connection gets more connections", async () => {
    const held: (() => void)[] = [];
    let isOpen = false;
    const { client } = await start(
      {
        unary: (call, callback) => {
          held.push(() => {
            callback(null, call.request);
          });
          // Nobody is answered before more are here than one connection may carry.
          isOpen ||= held.length >= 10;
          if (isOpen) for (const answer of held.splice(0)) answer();
        },
      },
      { "grpc.max_concurrent_streams": 3 },
    );
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => unary(client, Buffer.from(`call ${i}`))),
    );
    expect(answers.filter(({ error }) => error !== null)).toEqual([]);
  });

  test("a deadline is told to the server, and kept", async () => {
    const deadlines: unknown[] = [];
    const { promise: wasCancelled, resolve: onCancelled } = Promise.withResolvers<void>();
    const { client } = await start({
      unary: (call) => {
        deadlines.push(call.getDeadline());
        call.on("cancelled", onCancelled);
      },
    });
    const { error } = await unary(client, Buffer.from("x"), new Metadata(), Date.now() + 300);
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(Number(deadlines[0])).toBeLessThan(Date.now() + 1000);
    await wasCancelled;
  });

  test("a client that cancels is heard by the server", async () => {
    const { promise: wasCancelled, resolve: onCancelled } = Promise.withResolvers<void>();
    const { client } = await start({
      echo: (call) => {
        call.on("cancelled", onCancelled);
        call.on("data", (chunk: Buffer) => call.write(chunk));
      },
    });
    const call = bidi(client);
    const answered = once(call, "data");
    call.write(Buffer.from("x"));
    await answered;
    const failed = failure(call);
    call.cancel();
    expect((await failed).code).toBe(status.CANCELLED);
    await wasCancelled;
  });

  test("a client that goes away is heard by the server", async () => {
    const { promise: wasCancelled, resolve: onCancelled } = Promise.withResolvers<void>();
    const { client, joint } = await start({
      echo: (call) => {
        call.on("cancelled", onCancelled);
        call.on("data", (chunk: Buffer) => call.write(chunk));
      },
    });
    const call = bidi(client);
    const answered = once(call, "data");
    call.write(Buffer.from("x"));
    await answered;
    const failed = failure(call);
    joint.cutOff();
    expect([status.UNAVAILABLE, status.INTERNAL]).toContain((await failed).code);
    await wasCancelled;
  });

  test("an application that goes away politely ends what it has, and the next call has another connection", async () => {
    const held: (() => void)[] = [];
    const { client, app } = await start({
      unary: (call, callback) => {
        if (call.request.toString() !== "wait") callback(null, call.request);
        else {
          held.push(() => {
            callback(null, call.request);
          });
        }
      },
    });
    await unary(client, Buffer.from("first"));
    const waiting = unary(client, Buffer.from("wait"));
    while (held.length === 0) await unary(client, Buffer.from("x"));
    // Sends GOAWAY on all of its connections, and goes on to listen. A call that crosses it comes back
    // as refused, which tells the client that it may be sent again.
    app.server.drain(`127.0.0.1:${app.port}`, 10_000);
    const { error } = await unary(client, Buffer.from("next"));
    expect(error).toBeNull();
    held[0]?.();
    expect((await waiting).value?.toString()).toBe("wait");
  });

  test("an application that dies in mid-stream is no end of the stream", async () => {
    const { client, app } = await start();
    const call = bidi(client);
    const answered = once(call, "data");
    call.write(Buffer.from("x"));
    await answered;
    const failed = failure(call);
    app.server.forceShutdown();
    const { code } = await failed;
    expect([status.INTERNAL, status.UNAVAILABLE, status.UNKNOWN, status.CANCELLED]).toContain(code);
  });
});
