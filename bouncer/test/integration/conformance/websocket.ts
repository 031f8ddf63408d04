/**
 * WebSocket through a proxy (RFC 6455, 7692), with `ws` at both ends: what one end says is what the
 * other hears, message for message and byte for byte. Rows as in row.ts, with whole sockets.
 */
import { IncomingMessage } from "node:http";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import { eventOf } from "../proxy/harness.ts";
import { payload } from "./flow.ts";

export interface WebSocketSetting {
  readonly client?: ClientOptions;
  readonly protocols?: readonly string[];
  readonly deflate?: boolean;
}

/** Both ends of one connection through the proxy. */
export interface Ends {
  readonly client: WebSocket;
  readonly server: WebSocket;
  /** The handshake as the server got it. */
  readonly request: IncomingMessage;
}

export interface WebSocketRow {
  readonly name: string;
  readonly section: string;
  readonly setting: WebSocketSetting;
  readonly run: (ends: Ends) => Promise<void>;
}

class Surprise extends Error {}

function expectSame(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Surprise(`${what}: ${String(found)}, not ${String(wanted)}`);
}

function bytesOf(data: unknown): Buffer {
  if (data instanceof Buffer) return data;
  if (Array.isArray(data)) return Buffer.concat(data.filter((part) => part instanceof Buffer));
  throw new Surprise("a message that is no bytes");
}

/** Messages in order; begins to listen at once. */
function hear(socket: WebSocket, count: number): Promise<{ bytes: Buffer; isBinary: boolean }[]> {
  const heard: { bytes: Buffer; isBinary: boolean }[] = [];
  return new Promise((resolve, reject) => {
    socket.on("message", (data, isBinary) => {
      heard.push({ bytes: bytesOf(data), isBinary });
      if (heard.length === count) resolve(heard);
    });
    socket.on("close", () => {
      reject(new Surprise("the connection is closed"));
    });
  });
}

/** Says all of it from one end to the other. */
async function carry(from: WebSocket, to: WebSocket, messages: readonly (Buffer | string)[]) {
  const hearing = hear(to, messages.length);
  for (const message of messages) from.send(message);
  const heard = await hearing;
  for (const [i, { bytes, isBinary }] of heard.entries()) {
    const message = messages[i] ?? "";
    expectSame("binary", isBinary, typeof message !== "string");
    expectSame("length", bytes.length, Buffer.from(message).length);
    expectSame("bytes", bytes.equals(Buffer.from(message)), true);
  }
}

async function bothWays(ends: Ends, messages: readonly (Buffer | string)[]): Promise<void> {
  await carry(ends.client, ends.server, messages);
  await carry(ends.server, ends.client, messages);
}

async function closeWith(from: WebSocket, to: WebSocket, code: number, reason: string) {
  const closed = [eventOf(from, "close"), eventOf(to, "close")];
  from.close(code, reason);
  for (const event of await Promise.all(closed)) {
    const [found, text] = event;
    expectSame("code", found, code);
    expectSame("reason", String(text), reason);
  }
}

async function cut(from: WebSocket, to: WebSocket): Promise<void> {
  const closed = eventOf(to, "close");
  to.on("error", () => {});
  from.terminate();
  const [code] = await closed;
  // RFC 6455, 7.1.5: no close frame was received.
  expectSame("code", code, 1006);
}

async function pingPong(from: WebSocket, to: WebSocket, data: Buffer): Promise<void> {
  const events = [eventOf(to, "ping"), eventOf(from, "pong")];
  from.ping(data);
  for (const event of await Promise.all(events)) {
    const [found] = event;
    expectSame("data", found instanceof Buffer && found.equals(data), true);
  }
}

/** One message in as many frames as there are parts, with pings between them. */
async function fragmented(from: WebSocket, to: WebSocket, parts: readonly Buffer[]) {
  const hearing = hear(to, 1);
  let pings = 0;
  to.on("ping", () => {
    pings += 1;
  });
  for (const [i, part] of parts.entries()) {
    from.send(part, { binary: true, fin: i === parts.length - 1 });
    if (i < parts.length - 1) from.ping(String(i));
  }
  const [message] = await hearing;
  expectSame("bytes", message?.bytes.equals(Buffer.concat([...parts])), true);
  expectSame("pings", pings, parts.length - 1);
}

function row(name: string, section: string, run: WebSocketRow["run"]): WebSocketRow {
  return { name, section, setting: {}, run };
}

function rowWith(setting: WebSocketSetting, base: WebSocketRow): WebSocketRow {
  return { ...base, setting };
}

/** Where the length of a frame changes its form (RFC 6455, 5.2), and where buffers end. */
const sizes = [0, 1, 125, 126, 127, 16_384, 65_535, 65_536, 65_537, 1_048_576, 16_777_216];
const closeCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 4999];
const text = "zażółć gęślą jaźń 🐍 \u0000 ";
const parts = [payload(3), payload(70_000), Buffer.alloc(0), payload(1)];
const many = Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? `message ${i}` : payload(i)));

export const webSocketRows: readonly WebSocketRow[] = [
  ...sizes.map((size) =>
    row(`binary, ${size} bytes, both ways`, "6455, 5.2", (ends) => bothWays(ends, [payload(size)])),
  ),
  ...sizes
    .slice(0, -1)
    .map((size) =>
      row(`text, ${size} bytes, both ways`, "6455, 5.6", (ends) =>
        bothWays(ends, ["x".repeat(size)]),
      ),
    ),
  row("text beyond ASCII", "6455, 5.6", (ends) => bothWays(ends, [text, text.repeat(10_000)])),
  row("2000 messages in their order", "6455, 5.4", (ends) => bothWays(ends, many)),
  row("both ways at once", "6455, 1.1", async ({ client, server }) => {
    await Promise.all([carry(client, server, many), carry(server, client, many)]);
  }),
  row("fragments of the client, pings between them", "6455, 5.4", ({ client, server }) =>
    fragmented(client, server, parts),
  ),
  row("fragments of the server, pings between them", "6455, 5.4", ({ client, server }) =>
    fragmented(server, client, parts),
  ),
  row("ping of the client", "6455, 5.5.2", ({ client, server }) =>
    pingPong(client, server, Buffer.from("are you there?")),
  ),
  row("ping of the server", "6455, 5.5.2", ({ client, server }) =>
    pingPong(server, client, payload(125)),
  ),
  row("an empty ping", "6455, 5.5.2", ({ client, server }) =>
    pingPong(client, server, Buffer.alloc(0)),
  ),
  row("a pong that nobody asked for", "6455, 5.5.3", async ({ client, server }) => {
    const pong = eventOf(server, "pong");
    client.pong("so");
    const [data] = await pong;
    expectSame("data", String(data), "so");
  }),
  ...closeCodes.map((code) =>
    row(`closed by the client with ${code}`, "6455, 7.4", ({ client, server }) =>
      closeWith(client, server, code, `because of ${code}`),
    ),
  ),
  ...closeCodes.map((code) =>
    row(`closed by the server with ${code}`, "6455, 7.4", ({ client, server }) =>
      closeWith(server, client, code, "x".repeat(123)),
    ),
  ),
  row("closed without a code", "6455, 7.1.5", async ({ client, server }) => {
    const closed = eventOf(server, "close");
    client.close();
    const [code] = await closed;
    expectSame("code", code, 1005);
  }),
  row("closed right behind a large message", "6455, 7.1.1", async ({ client, server }) => {
    const hearing = hear(client, 1);
    const closed = eventOf(client, "close");
    server.send(payload(4_000_000));
    server.close(1000, "done");
    const [message] = await hearing;
    expectSame("length", message?.bytes.length, 4_000_000);
    const [code] = await closed;
    expectSame("code", code, 1000);
  }),
  row("the client is cut off", "6455, 7.1.7", ({ client, server }) => cut(client, server)),
  row("the server is cut off", "6455, 7.1.7", ({ client, server }) => cut(server, client)),
  row("no subprotocol", "6455, 1.9", async ({ client }) => {
    expectSame("protocol", client.protocol, "");
    return Promise.resolve();
  }),
  rowWith(
    { protocols: ["soap", "chat.v2"] },
    row("a subprotocol is agreed on", "6455, 1.9", async ({ client, server, request }) => {
      expectSame("offer", request.headers["sec-websocket-protocol"], "soap,chat.v2");
      expectSame("client's", client.protocol, "soap");
      expectSame("server's", server.protocol, "soap");
      return Promise.resolve();
    }),
  ),
  rowWith(
    { client: { origin: "http://shop.example", headers: { Cookie: "a=b" } } },
    row("Origin and Cookie", "6455, 10.2", async ({ request }) => {
      expectSame("Origin", request.headers.origin, "http://shop.example");
      expectSame("Cookie", request.headers.cookie, "a=b");
      return Promise.resolve();
    }),
  ),
  rowWith(
    { deflate: true },
    row("compression is agreed on between the ends", "7692, 5", async (ends) => {
      const { client, server } = ends;
      expectSame("client's", client.extensions, "permessage-deflate");
      expectSame("server's", server.extensions, "permessage-deflate");
      await bothWays(ends, ["x".repeat(100_000), payload(100_000), text]);
    }),
  ),
  rowWith(
    { deflate: true },
    row("compressed fragments", "7692, 6", ({ client, server }) =>
      fragmented(client, server, parts),
    ),
  ),
  row("compression that is not agreed on", "7692, 5", async ({ client, server }) => {
    expectSame("client's", client.extensions, "");
    expectSame("server's", server.extensions, "");
    return Promise.resolve();
  }),
  row("a client that does not read stops the server", "6455, 1.1", async ({ client, server }) => {
    client.pause();
    const messages = Array.from({ length: 100 }, () => payload(1024 * 1024));
    const carried = carry(server, client, messages);
    client.resume();
    await carried;
  }),
];

async function openEnds(port: number, server: WebSocketServer, setting: WebSocketSetting) {
  const connected = eventOf(server, "connection");
  const client = new WebSocket(`ws://127.0.0.1:${port}/chat`, [...(setting.protocols ?? [])], {
    perMessageDeflate: setting.deflate ?? false,
    maxPayload: 64 * 1024 * 1024,
    ...setting.client,
  });
  await eventOf(client, "open");
  const [socket, request] = await connected;
  if (!(socket instanceof WebSocket && request instanceof IncomingMessage)) {
    throw new Surprise("no connection");
  }
  return { client, server: socket, request };
}

/** What an application that speaks WebSocket is for these rows; port 0. */
export function createWebSocketApp(deflate: boolean): WebSocketServer {
  return new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    perMessageDeflate: deflate,
    maxPayload: 64 * 1024 * 1024,
  });
}

export async function runWebSocketRow(chosen: WebSocketRow, port: number, app: WebSocketServer) {
  const ends = await openEnds(port, app, chosen.setting);
  try {
    await chosen.run(ends);
  } finally {
    ends.client.terminate();
    ends.server.terminate();
  }
}

/** Many at once, each with a conversation of its own. */
export async function talkAll(port: number, app: WebSocketServer, count: number): Promise<void> {
  const sockets = new Map<string, WebSocket>();
  app.on("connection", (socket, request) => {
    sockets.set(request.url ?? "", socket);
  });
  const talk = async (i: number): Promise<void> => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/${i}`, { perMessageDeflate: false });
    await eventOf(client, "open");
    const server = sockets.get(`/${i}`);
    if (server === undefined) throw new Surprise("the application did not get the connection");
    await carry(client, server, [`from client ${i}`, payload(10_000 + i)]);
    await carry(server, client, [`from server ${i}`, payload(20_000 + i)]);
    await closeWith(client, server, 1000, `bye ${i}`);
  };
  await Promise.all(Array.from({ length: count }, (_, i) => talk(i)));
}
