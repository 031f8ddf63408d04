/** Node's own HTTP/2 as client and as application, with the codecs between them. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createNetServer } from "node:net";
import { array, assert, asyncProperty, nat, stringMatching } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Joint, joints, type StartJoint } from "./joint.ts";

let startJoint: StartJoint;
const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface App {
  readonly server: Http2Server;
  readonly port: number;
  readonly sessions: ServerHttp2Session[];
}

async function startApp(onStream: OnStream | null = null, port = 0): Promise<App> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => {
    session.on("error", () => undefined);
    sessions.push(session);
  });
  if (onStream !== null) {
    server.on("stream", (stream, headers) => {
      stream.on("error", () => undefined);
      onStream(stream, headers);
    });
  }
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  open.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port, sessions };
}

interface Started {
  readonly app: App;
  readonly joint: Joint;
  readonly client: ClientHttp2Session;
}

function connectTo(joint: Joint): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${joint.port}`, { maxSessionMemory: 100 });
  client.on("error", () => undefined);
  open.push(() => {
    client.destroy();
  });
  return client;
}

async function start(onStream: OnStream): Promise<Started> {
  const app = await startApp(onStream);
  const joint = await startJoint(app.port);
  open.push(() => joint.close());
  return { app, joint, client: connectTo(joint) };
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly information: readonly IncomingHttpHeaders[];
  readonly trailers: IncomingHttpHeaders | null;
  readonly body: Buffer;
  readonly code: number | undefined;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const chunks: Buffer[] = [];
  const information: IncomingHttpHeaders[] = [];
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | null = null;
  stream.on("headers", (found) => information.push(found));
  stream.on("response", (found) => {
    headers = found;
  });
  stream.on("trailers", (found: IncomingHttpHeaders) => {
    trailers = found;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => undefined);
  await new Promise((resolve) => stream.once("close", resolve));
  return { headers, information, trailers, body: Buffer.concat(chunks), code: stream.rstCode };
}

function ask(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Buffer | null = null,
): Promise<Answer> {
  const stream = client.request(headers, { endStream: body === null });
  if (body !== null) stream.end(body);
  return answerOf(stream);
}

describe.each(joints)("%s", (_name, chosen) => {
  beforeEach(() => {
    startJoint = chosen;
  });

  test.each<[what: string, method: string, status: number]>([
    ["GET", "GET", 200],
    ["HEAD, of which the length is told", "HEAD", 200],
    ["204", "GET", 204],
    ["304", "GET", 304],
  ])("%s", async (_what, method, status) => {
    const { client } = await start((stream) => {
      const length = status === 200 ? { "content-length": "5" } : {};
      stream.respond({ ":status": status, ...length }, { endStream: method === "HEAD" });
      stream.end(status === 200 && method === "GET" ? "hello" : "");
    });
    const { headers, body, code } = await ask(client, { ":method": method, ":path": "/" });
    expect(headers[":status"]).toBe(status);
    expect(headers["content-length"]).toBe(status === 200 ? "5" : undefined);
    expect(String(body)).toBe(status === 200 && method === "GET" ? "hello" : "");
    expect(code).toBe(0);
  });

  test("early hints and 100 Continue", async () => {
    const app = await startApp();
    app.server.on("request", () => undefined);
    app.server.on(
      "checkContinue",
      (_request: Http2ServerRequest, response: Http2ServerResponse) => {
        response.writeEarlyHints({ link: "</style.css>; rel=preload" });
        response.writeContinue();
        response.end("done");
      },
    );
    const joint = await startJoint(app.port);
    open.push(() => joint.close());
    const stream = connectTo(joint).request({
      ":method": "POST",
      ":path": "/",
      expect: "100-continue",
    });
    const continued = once(stream, "continue");
    const answered = answerOf(stream);
    await continued;
    stream.end("body");
    const { information, body } = await answered;
    expect(information.map((found) => found[":status"])).toEqual([103, 100]);
    expect(String(body)).toBe("done");
  });

  test("one connection to the application carries all, and headers that need more than one frame", async () => {
    const { client, app, joint } = await start((stream, headers) => {
      stream.respond({ "x-back": headers["x-large"], "set-cookie": ["a=1", "b=2"] });
      stream.end(headers.cookie);
    });
    const large = "x".repeat(40_000);
    const others = [client, connectTo(joint), connectTo(joint)];
    for (const each of others) {
      const { headers, body } = await ask(each, {
        ":path": "/",
        "x-large": large,
        cookie: ["c=3", "d=4"],
      });
      expect(headers["x-back"]).toBe(large);
      expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
      expect(String(body)).toBe("c=3; d=4");
    }
    expect(app.sessions.length).toBe(1);
  });

  test("an application that answers before it has read the upload", async () => {
    const { client } = await start((stream) => {
      stream.respond({ ":status": 413 });
      stream.end("too large");
    });
    const stream = client.request({ ":method": "POST", ":path": "/" });
    const answered = answerOf(stream);
    stream.write(Buffer.alloc(2 * 1024 * 1024));
    const { headers, body } = await answered;
    expect(headers[":status"]).toBe(413);
    expect(String(body)).toBe("too large");
  });

  test("an application that does not read keeps its client waiting, and takes all in the end", async () => {
    const held: ServerHttp2Stream[] = [];
    const { client } = await start((stream) => {
      held.push(stream);
    });
    const size = 20 * 1024 * 1024;
    const stream = client.request({ ":method": "POST", ":path": "/" });
    const answered = answerOf(stream);
    let hasSent = false;
    stream.write(Buffer.alloc(size), () => {
      hasSent = true;
    });
    stream.end();
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const [app] = held;
    // Another request takes its turn meanwhile.
    const other = ask(client, { ":path": "/" });
    while (held.length === 1) await new Promise((resolve) => setImmediate(resolve));
    held[1]?.respond();
    held[1]?.end("here");
    expect(String((await other).body)).toBe("here");
    expect(hasSent).toBe(false);
    let bytes = 0;
    app?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    app?.on("end", () => {
      app.respond();
      app.end(String(bytes));
    });
    expect(String((await answered).body)).toBe(String(size));
  });

  test("a client that gives up in the middle of an upload is heard by the application", async () => {
    const aborted = Promise.withResolvers<number>();
    const begun = Promise.withResolvers<void>();
    const { client } = await start((stream) => {
      stream.once("data", () => {
        begun.resolve();
      });
      stream.on("close", () => {
        aborted.resolve(stream.rstCode ?? -1);
      });
    });
    const stream = client.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => undefined);
    stream.write("x");
    await begun.promise;
    stream.close(8);
    expect(await aborted.promise).toBe(8);
  });

  test("an application that resets a stream within its answer", async () => {
    const { client } = await start((stream) => {
      stream.respond();
      stream.write("some", () => {
        stream.destroy(new Error("on purpose"));
      });
    });
    const { headers, body, code } = await ask(client, { ":path": "/" });
    expect(headers[":status"]).toBe(200);
    expect(String(body)).toBe("some");
    expect(code).toBe(2);
  });

  test("an application that is not there, and then is", async () => {
    const away = await startApp();
    const { port } = away;
    await new Promise((resolve) => away.server.close(resolve));
    const joint = await startJoint(port);
    open.push(() => joint.close());
    const client = connectTo(joint);
    expect((await ask(client, { ":path": "/" })).headers[":status"]).toBe(502);
    const back = await startApp((stream) => {
      stream.respond();
      stream.end();
    }, port);
    expect((await ask(client, { ":path": "/" })).headers[":status"]).toBe(200);
    // Dies, and is there again.
    for (const session of back.sessions) session.destroy();
    await once(back.sessions[0] ?? client, "close");
    await new Promise((resolve) => setImmediate(resolve));
    const again = await ask(client, { ":path": "/" });
    expect([again.headers[":status"], again.code]).toEqual([200, 0]);
  });

  test("an application that speaks HTTP/1 only", async () => {
    const server = createNetServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () =>
        socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
      );
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    open.push(() => {
      server.close();
    });
    const address = server.address();
    const joint = await startJoint(typeof address === "object" ? (address?.port ?? 0) : 0);
    open.push(() => joint.close());
    const { headers } = await ask(connectTo(joint), { ":path": "/" });
    expect(headers[":status"]).toBe(502);
  });

  test("a server that closes ends what it has, and its client is told", async () => {
    const held: ServerHttp2Stream[] = [];
    const { client, joint } = await start((stream) => {
      held.push(stream);
    });
    const answered = ask(client, { ":path": "/" });
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = once(client, "close");
    joint.drain();
    held[0]?.respond();
    held[0]?.end("whole");
    expect(String((await answered).body)).toBe("whole");
    await closed;
  });

  test("whatever goes in comes out, in whatever pieces", async () => {
    const { client } = await start((stream, headers) => {
      stream.respond({ "x-echo": headers["x-echo"] }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        stream.sendTrailers({ "x-sum": "1" });
      });
      stream.pipe(stream);
    });
    const sizes = array(nat({ max: 200_000 }), { maxLength: 8 });
    const value = stringMatching(/^[!-~]{1,300}$/);
    await assert(
      asyncProperty(sizes, value, async (pieces, text) => {
        const stream = client.request({ ":method": "POST", ":path": "/", "x-echo": text });
        const answered = answerOf(stream);
        const sent = createHash("sha256");
        for (const size of pieces) {
          const piece = randomBytes(size);
          sent.update(piece);
          if (!stream.write(piece)) await once(stream, "drain");
        }
        stream.end();
        const { headers, body, trailers, code } = await answered;
        expect(headers["x-echo"]).toBe(text);
        expect(createHash("sha256").update(body).digest("hex")).toBe(sent.digest("hex"));
        expect(trailers).toMatchObject({ "x-sum": "1" });
        expect(code).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});
