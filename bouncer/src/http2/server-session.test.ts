import { expect, test } from "vitest";
import { type Fields, RawPeer } from "../../test/http2/memory-wire.ts";
import type {
  Rejection,
  ServerConnection,
  ServerLimits,
  ServerStream,
  ServerStreamListener,
} from "../http/message.ts";
import { errorCodes } from "./error-code.ts";
import { createHttp2ServerConnection, maxConcurrentStreams } from "./server-session.ts";
import { settingIds } from "./settings.ts";

const limits: ServerLimits = {
  maxHeaderBytes: 8192,
  maxHeaders: 50,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 60_000,
  halfClosedMs: 5000,
};

const connection = {
  source: { address: "10.0.0.1", port: 40_000 },
  destination: { address: "10.0.0.2", port: 80 },
  scheme: "http",
  isLoopback: false,
} as const;

interface Session {
  readonly peer: RawPeer;
  readonly server: ServerConnection;
  readonly streams: ServerStream[];
  readonly rejections: Rejection[];
  /** What the listeners of the requests were told. */
  readonly told: string[];
  /** What `onData` answers. */
  wantsMore: boolean;
  /** Requests are read as soon as they come. */
  readsOn: boolean;
}

/** After the settings of both sides. */
async function start(options: Partial<ServerLimits> = {}): Promise<Session> {
  const peer = new RawPeer("client");
  const streams: ServerStream[] = [];
  const rejections: Rejection[] = [];
  const told: string[] = [];
  const session: Partial<Session> & { wantsMore: boolean; readsOn: boolean } = {
    wantsMore: true,
    readsOn: true,
  };
  const onRequest = (stream: ServerStream): void => {
    const index = streams.push(stream);
    const listener: ServerStreamListener = {
      onData: (chunk) => {
        told.push(`${index} data ${chunk.length}`);
        return session.wantsMore;
      },
      onEnd: (trailers) => told.push(`${index} end ${trailers.join(" ")}`.trim()),
      onDrain: () => told.push(`${index} drain`),
      onClose: (outcome) => told.push(`${index} ${outcome}`),
    };
    stream.attach(listener);
    if (session.readsOn) stream.resumeBody();
  };
  const server = createHttp2ServerConnection({
    wire: peer.wire,
    bytes: Buffer.alloc(0),
    connection,
    handler: {
      onRequest,
      onRejection: (rejection) => {
        rejections.push(rejection);
      },
    },
    limits: { ...limits, ...options },
  });
  await peer.exchange();
  return Object.assign(session, { peer, server, streams, rejections, told });
}

const method = [":method", "GET"] as const;
const scheme = [":scheme", "http"] as const;
const path = [":path", "/"] as const;
const authority = [":authority", "app:80"] as const;

const get: Fields = [method, scheme, path, authority];
const post: Fields = [[":method", "POST"], scheme, path, authority];

function head(status = 200, ...rawHeaders: string[]) {
  return { status, reason: "OK", rawHeaders, bodyLength: null };
}

const stay = { close: false };

test("what the server says about itself before all else", async () => {
  const peer = new RawPeer("client");
  createHttp2ServerConnection({
    wire: peer.wire,
    bytes: Buffer.alloc(0),
    connection,
    handler: { onRequest: () => undefined, onRejection: () => undefined },
    limits,
  });
  expect(await peer.exchange()).toEqual([
    "SETTINGS 3=250 6=8192",
    "WINDOW_UPDATE 0 983041",
    "SETTINGS ACK",
  ]);
});

test("a request and its answer, head and body and end in three frames", async () => {
  const { peer, streams, told } = await start();
  peer.headers(1, [...get, ["accept", "*/*"]], true);
  await peer.exchange();
  const [stream] = streams;
  expect(stream?.request).toEqual({
    method: "GET",
    target: "/",
    version: "2",
    rawHeaders: ["host", "app:80", "accept", "*/*"],
    bodyLength: 0,
    expectsContinue: false,
    upgrade: [],
  });
  stream?.sendHead(head(200, "Content-Type", "text/plain", "Connection", "close"), stay);
  expect(stream?.sendData(Buffer.from("hello"))).toBe(true);
  stream?.sendEnd(["Grpc-Status", "0"]);
  expect(told).toEqual(["1 end"]);
  expect(await peer.exchange()).toEqual([
    "HEADERS 1 :status=200 content-type=text/plain",
    'DATA 1 "hello"',
    "HEADERS 1 grpc-status=0 END",
  ]);
  expect(told).toEqual(["1 end", "1 sent"]);
});

test("the end goes with what was sent last in the same turn, or else alone", async () => {
  const { peer, streams } = await start();
  peer.headers(1, get, true).headers(3, get, true).headers(5, get, true);
  await peer.exchange();
  streams[0]?.sendHead(head(204), stay);
  streams[0]?.sendEnd([]);
  streams[1]?.sendHead(head(), stay);
  streams[1]?.sendData(Buffer.from("x"));
  streams[1]?.sendEnd([]);
  streams[2]?.sendHead(head(), stay);
  expect(await peer.exchange()).toEqual([
    "HEADERS 1 :status=204 END",
    "HEADERS 3 :status=200",
    'DATA 3 "x" END',
    "HEADERS 5 :status=200",
  ]);
  streams[2]?.sendEnd([]);
  expect(await peer.exchange()).toEqual(['DATA 5 "" END']);
});

test("interim answers, and 100 only for who waits for it", async () => {
  const { peer, streams } = await start();
  peer.headers(1, [...post, ["expect", "100-continue"]], false).headers(3, post, false);
  await peer.exchange();
  expect(streams.map(({ request }) => request.expectsContinue)).toEqual([true, false]);
  streams[0]?.sendContinue();
  streams[0]?.sendContinue();
  streams[1]?.sendContinue();
  streams[1]?.sendInformation(103, ["link", "</a>"]);
  expect(await peer.exchange()).toEqual([
    "HEADERS 1 :status=100",
    "HEADERS 3 :status=103 link=</a>",
  ]);
});

test("a body comes when it is asked for, and trailers behind it", async () => {
  const session = await start();
  session.readsOn = false;
  const { peer, streams, told } = session;
  peer.headers(1, post, false).data(1, "abc", false).data(1, "de", false);
  peer.headers(1, [["x-sum", "1"]], true);
  await peer.exchange();
  expect(told).toEqual([]);
  session.wantsMore = false;
  streams[0]?.resumeBody();
  expect(told).toEqual(["1 data 3"]);
  streams[0]?.resumeBody();
  streams[0]?.resumeBody();
  expect(told).toEqual(["1 data 3", "1 data 2", "1 end x-sum 1"]);
});

test("a body that is not taken is not asked for, and takes nothing from others", async () => {
  const session = await start();
  const { peer, streams, told } = session;
  session.wantsMore = false;
  peer.headers(1, post, false).headers(3, post, false);
  const piece = Buffer.alloc(16_000);
  for (let i = 0; i < 4; i++) peer.data(1, piece, false);
  expect((await peer.exchange()).filter((line) => line.startsWith("WINDOW_UPDATE 1"))).toEqual([]);
  session.wantsMore = true;
  streams[1]?.resumeBody();
  // Far more than the window of the connection.
  let updates = 0;
  for (let i = 0; i < 100; i++) {
    peer.data(3, piece, false);
    const got = await peer.exchange();
    updates += got.filter((line) => line.startsWith("WINDOW_UPDATE 0")).length;
    expect(got.filter((line) => line.startsWith("GOAWAY"))).toEqual([]);
  }
  expect(updates).toBeGreaterThan(1);
  expect(told.filter((line) => line === "2 data 16000").length).toBe(100);
  streams[0]?.resumeBody();
  expect((await peer.exchange()).at(-1)).toMatch(/^WINDOW_UPDATE 1 /);
});

test("an answer goes no further than the windows of stream and connection", async () => {
  const { peer, streams, told } = await start();
  peer.frames.settings([{ id: settingIds.initialWindowSize, value: 10 }]);
  peer.headers(1, get, true);
  await peer.exchange();
  streams[0]?.sendHead(head(), stay);
  expect(streams[0]?.sendData(Buffer.alloc(25, "x"))).toBe(false);
  expect(await peer.exchange()).toEqual(["HEADERS 1 :status=200", 'DATA 1 "xxxxxxxxxx"']);
  peer.frames.windowUpdate(1, 5);
  expect(await peer.exchange()).toEqual(['DATA 1 "xxxxx"']);
  // Settings change windows that are open, too.
  peer.frames.settings([{ id: settingIds.initialWindowSize, value: 15 }]);
  expect(await peer.exchange()).toEqual(["SETTINGS ACK", 'DATA 1 "xxxxx"']);
  peer.frames.settings([{ id: settingIds.initialWindowSize, value: 0 }]);
  peer.frames.windowUpdate(1, 15);
  expect(await peer.exchange()).toEqual(["SETTINGS ACK"]);
  expect(told).toEqual(["1 end"]);
  streams[0]?.sendEnd([]);
  peer.frames.windowUpdate(1, 5);
  expect(await peer.exchange()).toEqual(['DATA 1 "xxxxx" END']);
  expect(told).toEqual(["1 end", "1 drain", "1 sent"]);
});

test("streams that wait for the socket go on in turn", async () => {
  const { peer, streams, told } = await start();
  peer.frames.windowUpdate(0, 1_000_000);
  peer.headers(1, get, true).headers(3, get, true);
  await peer.exchange();
  peer.wire.isFull = true;
  for (const stream of streams) stream.sendHead(head(), stay);
  await peer.exchange();
  for (const stream of streams) expect(stream.sendData(Buffer.alloc(40_000))).toBe(false);
  expect(await peer.exchange()).toEqual([]);
  peer.wire.drain();
  const sizes = (await peer.exchange()).map((line) => line.replace(" bytes", ""));
  expect(sizes).toEqual([
    "DATA 1 16384",
    "DATA 3 16384",
    "DATA 1 16384",
    "DATA 3 16384",
    "DATA 1 7232",
    "DATA 3 7232",
  ]);
  expect(told.slice(-2)).toEqual(["1 drain", "2 drain"]);
});

test("an answer is sent when it is with the kernel, and not before", async () => {
  const { peer, streams, told, server } = await start();
  peer.headers(1, get, true).headers(3, get, true);
  await peer.exchange();
  peer.wire.isFull = true;
  streams[0]?.sendHead(head(), stay);
  streams[0]?.sendEnd([]);
  await peer.exchange();
  expect(told).toEqual(["1 end", "2 end"]);
  server.destroy();
  expect(told).toEqual(["1 end", "2 end", "1 aborted", "2 aborted"]);
});

test("an early answer ends the stream, when nobody reads the rest", async () => {
  const { peer, streams, told } = await start();
  peer.headers(1, post, false).data(1, "abc", false);
  await peer.exchange();
  streams[0]?.discardBody();
  streams[0]?.sendHead(head(403), stay);
  streams[0]?.sendEnd([]);
  expect(await peer.exchange()).toEqual(["HEADERS 1 :status=403 END"]);
  expect(await peer.exchange()).toEqual(["RST_STREAM 1 NO_ERROR"]);
  expect(told).toEqual(["1 data 3", "1 sent"]);
  // What is under way is no fault.
  peer.data(1, "def", true);
  peer.frames.windowUpdate(1, 100);
  expect(await peer.exchange()).toEqual([]);
});

test("an early answer to a request that is read on is over when that is", async () => {
  const { peer, streams, told } = await start();
  peer.headers(1, post, false);
  await peer.exchange();
  streams[0]?.sendHead(head(), stay);
  streams[0]?.sendEnd([]);
  expect(await peer.exchange()).toEqual(["HEADERS 1 :status=200 END"]);
  expect(told).toEqual([]);
  peer.data(1, "abc", true);
  expect(await peer.exchange()).toEqual([]);
  expect(told).toEqual(["1 data 3", "1 end", "1 sent"]);
});

test("breaking off, by either side", async () => {
  const { peer, streams, told } = await start();
  peer.headers(1, get, true).headers(3, get, true).headers(5, get, true);
  await peer.exchange();
  streams[0]?.abort();
  streams[1]?.abort(errorCodes.REFUSED_STREAM);
  peer.frames.reset(5, errorCodes.CANCEL);
  expect(await peer.exchange()).toEqual([
    "RST_STREAM 1 INTERNAL_ERROR",
    "RST_STREAM 3 REFUSED_STREAM",
  ]);
  expect(told.slice(3)).toEqual(["1 aborted", "2 aborted", "3 aborted"]);
  for (const stream of streams) {
    stream.sendHead(head(), stay);
    expect(stream.sendData(Buffer.from("x"))).toBe(true);
    stream.sendEnd([]);
    stream.abort();
    stream.resumeBody();
    stream.discardBody();
  }
  expect(await peer.exchange()).toEqual([]);
  expect(told.length).toBe(6);
});

test.each<[what: string, fields: Fields, reason: string, detail: string]>([
  [
    "no :method",
    [scheme, path, authority],
    "bad_request",
    ":method is missing or not one that is served",
  ],
  [
    "a :method in lower case, which is another one than GET",
    [[":method", "get"], scheme, path, authority],
    "bad_request",
    ":method is missing or not one that is served",
  ],
  ["no :scheme", [method, path, authority], "bad_request", ":scheme is missing"],
  ["no :path", [method, scheme, authority], "bad_request", ":path is missing or not a path"],
  [
    "a :path of nothing",
    [method, scheme, [":path", ""]],
    "bad_request",
    ":path is missing or not a path",
  ],
  ["* for GET", [method, scheme, [":path", "*"]], "bad_request", ":path is missing or not a path"],
  [
    "a path with a space",
    [method, scheme, [":path", "/a b"]],
    "bad_request",
    ":path is missing or not a path",
  ],
  [
    "an absolute path",
    [method, scheme, [":path", "http://a/"]],
    "bad_request",
    ":path is missing or not a path",
  ],
  ["two :paths", [...get, path], "bad_request", ":path is there more than once"],
  ["an unknown pseudo-header", [...get, [":x", "1"]], "bad_request", ":x is not known"],
  ["that of an answer", [...get, [":status", "200"]], "bad_request", ":status is not known"],
  [
    "a pseudo-header behind a header",
    [method, scheme, ["a", "b"], path],
    "bad_request",
    ":path comes after a header",
  ],
  ["CONNECT", [[":method", "CONNECT"], authority], "bad_request", "CONNECT is not served"],
  [
    "extended CONNECT",
    [[":method", "CONNECT"], [":protocol", "websocket"], scheme, path, authority],
    "bad_request",
    "extended CONNECT is not served",
  ],
  [
    "upper case",
    [...get, ["X-a", "b"]],
    "bad_request",
    "the name of a header has characters that names must not have",
  ],
  [
    "a name with a colon",
    [...get, ["x:a", "b"]],
    "bad_request",
    "the name of a header has characters that names must not have",
  ],
  [
    "an empty name",
    [...get, ["", "b"]],
    "bad_request",
    "the name of a header has characters that names must not have",
  ],
  [
    "a line end in a value",
    [...get, ["x-a", "b\r\nc: d"]],
    "bad_request",
    "the value of x-a has invalid characters",
  ],
  [
    "NUL in a value",
    [...get, ["x-a", "b\0"]],
    "bad_request",
    "the value of x-a has invalid characters",
  ],
  [
    "white space around a value",
    [...get, ["x-a", " b"]],
    "bad_request",
    "the value of x-a begins or ends with white space",
  ],
  ["connection", [...get, ["connection", "close"]], "bad_request", "connection is not for HTTP/2"],
  [
    "transfer-encoding",
    [...post, ["transfer-encoding", "chunked"]],
    "bad_request",
    "transfer-encoding is not for HTTP/2",
  ],
  ["upgrade", [...get, ["upgrade", "h2c"]], "bad_request", "upgrade is not for HTTP/2"],
  ["keep-alive", [...get, ["keep-alive", "5"]], "bad_request", "keep-alive is not for HTTP/2"],
  [
    "proxy-connection",
    [...get, ["proxy-connection", "close"]],
    "bad_request",
    "proxy-connection is not for HTTP/2",
  ],
  ["te of something", [...get, ["te", "gzip"]], "bad_request", "te is not trailers"],
  [
    "two hosts that differ",
    [...get, ["host", "other"]],
    "ambiguous_request",
    ":authority and host name different hosts",
  ],
  [
    "host twice",
    [method, scheme, path, ["host", "a"], ["host", "a"]],
    "ambiguous_request",
    "host is there more than once",
  ],
  [
    "a length that is none",
    [...post, ["content-length", "+5"]],
    "ambiguous_request",
    "content-length is not a number",
  ],
  [
    "two lengths",
    [...post, ["content-length", "5"], ["content-length", "5"]],
    "ambiguous_request",
    "content-length is there more than once",
  ],
  [
    "a length without a body",
    [...post, ["content-length", "5"]],
    "ambiguous_request",
    "content-length is 5, but there is no body",
  ],
  [
    "headers without end",
    [...get, ...Array.from({ length: 50 }, (_, i) => [`x-${i}`, "y"] as const)],
    "headers_too_large",
    "the headers are too large",
  ],
  [
    "a large header",
    [...get, ["x", "y".repeat(9000)]],
    "headers_too_large",
    "the headers are too large",
  ],
])("a request with %s is refused, and has an answer", async (_what, fields, reason, detail) => {
  const { peer, rejections, streams } = await start();
  peer.headers(1, fields, true);
  await peer.exchange();
  expect(streams).toEqual([]);
  expect(rejections.map((found) => [found.reason, found.detail])).toEqual([[reason, detail]]);
  expect(rejections[0]?.connection).toBe(connection);
  rejections[0]?.answer(head(400), Buffer.from("no"));
  const got = [...(await peer.exchange()), ...(await peer.exchange())];
  expect(got.slice(0, 2)).toEqual(["HEADERS 1 :status=400", 'DATA 1 "no" END']);
  expect(got.slice(2)).toEqual(
    reason === "headers_too_large" ? [] : ["RST_STREAM 1 PROTOCOL_ERROR"],
  );
  // The connection goes on.
  peer.headers(3, get, true);
  await peer.exchange();
  expect(streams.length).toBe(1);
});

test.each<[what: string, fields: Fields, rawHeaders: readonly string[]]>([
  ["host alone", [method, scheme, path, ["host", "a"]], ["host", "a"]],
  ["host and :authority", [...get, ["host", "APP:80"]], ["host", "app:80"]],
  [
    "crumbs of cookies",
    [...get, ["cookie", "a=1"], ["x", "y"], ["cookie", "b=2"], ["cookie", "c=3"]],
    ["host", "app:80", "cookie", "a=1; b=2; c=3", "x", "y"],
  ],
  ["te: trailers", [...get, ["te", "trailers"]], ["host", "app:80", "te", "trailers"]],
  ["bytes beyond ASCII", [...get, ["x", "\xe4\xff"]], ["host", "app:80", "x", "\xe4\xff"]],
])("%s is handed on", async (_what, fields, rawHeaders) => {
  const { peer, streams } = await start();
  peer.headers(1, fields, true);
  await peer.exchange();
  expect(streams[0]?.request.rawHeaders).toEqual(rawHeaders);
});

test.each<[what: string, send: (peer: RawPeer) => unknown, told: readonly string[]]>([
  ["more than its length", (peer) => peer.data(1, "abcdef", false), ["1 aborted"]],
  ["less than its length", (peer) => peer.data(1, "ab", true), ["1 aborted"]],
  [
    "less than its length, before trailers",
    (peer) => peer.headers(1, [["x", "y"]], true),
    ["1 aborted"],
  ],
  ["trailers that do not end it", (peer) => peer.headers(1, [["x", "y"]], false), ["1 aborted"]],
  [
    "pseudo-headers in the trailers",
    (peer) => peer.headers(1, [[":path", "/"]], true),
    ["1 aborted"],
  ],
])("a request with %s is broken off", async (_what, send, expected) => {
  const { peer, told } = await start();
  peer.headers(1, [...post, ["content-length", "5"]], false);
  await peer.exchange();
  send(peer);
  expect(await peer.exchange()).toEqual(["RST_STREAM 1 PROTOCOL_ERROR"]);
  expect(told).toEqual(expected);
});

const goAway = (code: string): RegExp => new RegExp(`^GOAWAY \\d+ ${code}`);

test.each<[what: string, send: (peer: RawPeer) => unknown, code: string]>([
  ["DATA for an idle stream", (peer) => peer.data(1, "x", true), "PROTOCOL_ERROR"],
  ["an even stream", (peer) => peer.headers(2, get, true), "PROTOCOL_ERROR"],
  [
    "WINDOW_UPDATE for an idle stream",
    (peer) => {
      peer.frames.windowUpdate(5, 1);
    },
    "PROTOCOL_ERROR",
  ],
  [
    "RST_STREAM for an idle stream",
    (peer) => {
      peer.frames.reset(5, 0);
    },
    "PROTOCOL_ERROR",
  ],
  [
    "the window of the connection made too large",
    (peer) => {
      peer.frames.windowUpdate(0, 0x7fffffff);
    },
    "FLOW_CONTROL_ERROR",
  ],
  [
    "settings that make windows too large",
    (peer) => {
      peer.headers(1, get, true);
      peer.frames.windowUpdate(1, 0x7fff0000);
      peer.frames.settings([{ id: settingIds.initialWindowSize, value: 0x7fffffff }]);
    },
    "FLOW_CONTROL_ERROR",
  ],
  [
    "settings out of range",
    (peer) => {
      peer.frames.settings([{ id: settingIds.enablePush, value: 2 }]);
    },
    "PROTOCOL_ERROR",
  ],
  [
    "a block that cannot be decoded",
    (peer) => peer.raw(1, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
    "COMPRESSION_ERROR",
  ],
  [
    "a stream that was before",
    (peer) => peer.headers(5, get, true).headers(3, get, true),
    "STREAM_CLOSED",
  ],
  [
    "many PINGs",
    (peer) => {
      for (let i = 0; i < 11_000; i++) peer.frames.ping(Buffer.alloc(8), false);
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "many SETTINGS",
    (peer) => {
      for (let i = 0; i < 300; i++) peer.frames.settings([]);
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "many empty DATA frames",
    (peer) => {
      peer.headers(1, post, false);
      for (let i = 0; i < 11_000; i++) peer.data(1, "", false);
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "many WINDOW_UPDATEs",
    (peer) => {
      for (let i = 0; i < 11_000; i++) peer.frames.windowUpdate(0, 1);
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "many frames that are not known",
    (peer) => {
      for (let i = 0; i < 11_000; i++) peer.raw(0x77, 0, 0, Buffer.alloc(0));
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "many PRIORITY frames",
    (peer) => {
      for (let i = 0; i < 11_000; i++) peer.raw(2, 0, 1, Buffer.alloc(5));
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "many CONTINUATIONs",
    (peer) => {
      peer.raw(1, 0, 1, Buffer.alloc(0));
      for (let i = 0; i < 100; i++) peer.raw(9, 0, 1, Buffer.alloc(0));
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "streams begun and reset (CVE-2023-44487)",
    (peer) => {
      for (let i = 0; i < 1100; i++) {
        peer.headers(2 * i + 1, get, true);
        peer.frames.reset(2 * i + 1, errorCodes.CANCEL);
      }
    },
    "ENHANCE_YOUR_CALM",
  ],
  [
    "streams that we are made to reset (CVE-2025-8671)",
    (peer) => {
      for (let i = 0; i < 1100; i++) {
        peer.headers(2 * i + 1, get, true);
        peer.raw(8, 0, 2 * i + 1, Buffer.alloc(4));
      }
    },
    "ENHANCE_YOUR_CALM",
  ],
])("%s end the connection", async (_what, send, code) => {
  const { peer, told, streams } = await start();
  send(peer);
  const got = await peer.exchange();
  expect(got.at(-1)).toMatch(goAway(code));
  expect(peer.wire.state).toBe("closed");
  expect(told.filter((line) => line.endsWith("aborted")).length).toBe(streams.length);
  // And nothing is read any more.
  peer.headers(9999, get, true);
  expect(await peer.exchange()).toEqual([]);
});

test.each<[what: string, send: (peer: RawPeer) => unknown, code: string]>([
  ["DATA behind the end", (peer) => peer.data(1, "x", true), "STREAM_CLOSED"],
  ["HEADERS behind the end", (peer) => peer.headers(1, [["x", "y"]], true), "STREAM_CLOSED"],
  [
    "a window made too large",
    (peer) => {
      peer.frames.windowUpdate(1, 0x7fffffff);
    },
    "FLOW_CONTROL_ERROR",
  ],
  ["an update of nothing", (peer) => peer.raw(8, 0, 1, Buffer.alloc(4)), "PROTOCOL_ERROR"],
])("%s ends the stream, and the connection goes on", async (_what, send, code) => {
  const { peer, told, streams } = await start();
  peer.headers(1, get, true);
  await peer.exchange();
  send(peer);
  expect(await peer.exchange()).toEqual([`RST_STREAM 1 ${code}`]);
  expect(told).toEqual(["1 end", "1 aborted"]);
  peer.headers(3, get, true);
  await peer.exchange();
  expect(streams.length).toBe(2);
});

test("more DATA than the window of a stream allows", async () => {
  const session = await start();
  session.wantsMore = false;
  const { peer } = session;
  peer.headers(1, post, false);
  for (let i = 0; i < 5; i++) peer.data(1, Buffer.alloc(16_384), false);
  expect(await peer.exchange()).toContain("RST_STREAM 1 FLOW_CONTROL_ERROR");
});

test("streams beyond the limit are refused, and may be sent again", async () => {
  const { peer, streams } = await start();
  for (let i = 0; i <= maxConcurrentStreams; i++) peer.headers(2 * i + 1, get, true);
  expect(await peer.exchange()).toEqual([
    `RST_STREAM ${2 * maxConcurrentStreams + 1} REFUSED_STREAM`,
  ]);
  expect(streams.length).toBe(maxConcurrentStreams);
  streams[0]?.sendHead(head(204), stay);
  streams[0]?.sendEnd([]);
  await peer.exchange();
  peer.headers(1001, get, true);
  expect(await peer.exchange()).toEqual([]);
});

test("a client that does not read what it asks for is not read either", async () => {
  const { peer, streams } = await start();
  peer.wire.isFull = true;
  peer.frames.ping(Buffer.alloc(8), false);
  await peer.exchange();
  const large = "y".repeat(8000);
  let isRead = true;
  for (let i = 0; isRead; i++) {
    expect(i).toBeLessThan(maxConcurrentStreams);
    peer.frames.headers(2 * i + 1, peer.block(get), true);
    isRead = peer.wire.listener?.onData(Buffer.from(peer.frames.take())) ?? false;
    streams[i]?.sendHead(head(200, "x", large), stay);
    streams[i]?.sendEnd([]);
  }
  peer.wire.isPaused = true;
  peer.wire.drain();
  expect(peer.wire.isPaused).toBe(false);
});

test("closing lets what is under way come in, and what is here finish", async () => {
  const { peer, server, streams } = await start();
  peer.headers(1, get, true);
  await peer.exchange();
  server.close();
  expect(await peer.exchange()).toEqual(["GOAWAY 2147483647 NO_ERROR", "PING goingout"]);
  peer.headers(3, get, true);
  peer.frames.ping(Buffer.from("goingout"), true);
  expect(await peer.exchange()).toEqual(["GOAWAY 3 NO_ERROR"]);
  peer.headers(5, get, true);
  expect(await peer.exchange()).toEqual(["RST_STREAM 5 REFUSED_STREAM"]);
  for (const stream of streams) {
    expect(peer.wire.state).toBe("open");
    stream.sendHead(head(204), stay);
    stream.sendEnd([]);
    await peer.exchange();
  }
  expect(streams.length).toBe(2);
  expect(peer.wire.state).toBe("closed");
});

test("an answer that asks for another connection says GOAWAY", async () => {
  const { peer, streams } = await start();
  peer.headers(1, get, true);
  await peer.exchange();
  streams[0]?.sendHead(head(), { close: true });
  streams[0]?.sendEnd([]);
  expect(await peer.exchange()).toEqual([
    "HEADERS 1 :status=200",
    "GOAWAY 2147483647 NO_ERROR",
    "PING goingout",
    'DATA 1 "" END',
  ]);
});

test("a client that ends its side has the answers to what it had asked whole", async () => {
  const { peer, streams, told } = await start();
  peer.headers(1, get, true).headers(3, post, false);
  await peer.exchange();
  peer.wire.listener?.onEnd();
  expect(told).toEqual(["1 end", "2 aborted"]);
  streams[0]?.sendHead(head(), stay);
  streams[0]?.sendEnd([]);
  expect(await peer.exchange()).toEqual(["RST_STREAM 3 CANCEL", "HEADERS 1 :status=200 END"]);
  expect(peer.wire.state).toBe("closed");
});

test.each<[what: string, act: (session: Session) => unknown, seconds: number, state: string]>([
  ["says nothing at all", () => undefined, 61, "open"],
  ["says nothing at all, and does not hear", () => undefined, 64, "destroyed"],
  [
    "begins a field block and does not end it",
    ({ peer }) => peer.raw(1, 0, 1, Buffer.alloc(5)),
    16,
    "destroyed",
  ],
  ["waits for an answer", ({ peer }) => peer.headers(1, get, true), 1000, "open"],
  [
    "does not read",
    ({ peer }) => {
      peer.wire.isFull = true;
      peer.frames.ping(Buffer.alloc(8), false);
    },
    62,
    "destroyed",
  ],
  [
    "has ended its side, and gets no answer",
    ({ peer }) => {
      peer.headers(1, get, true).flush();
      peer.wire.listener?.onEnd();
    },
    7,
    "closed",
  ],
])("a client that %s", async (_what, act, seconds, state) => {
  const session = await start();
  act(session);
  await session.peer.exchange();
  for (let second = 1; second <= seconds; second++) {
    session.server.check(second * 1000);
    await session.peer.exchange();
  }
  expect(session.peer.wire.state).toBe(state);
});

test("a client that never sends its preface", () => {
  const peer = new RawPeer("client");
  const server = createHttp2ServerConnection({
    wire: peer.wire,
    bytes: Buffer.from("PRI * HTTP/2.0\r\n"),
    connection,
    handler: { onRequest: () => undefined, onRejection: () => undefined },
    limits,
  });
  for (let second = 1; second <= 14; second++) server.check(second * 1000);
  expect(peer.wire.state).toBe("open");
  for (let second = 15; second <= 17; second++) server.check(second * 1000);
  expect(peer.wire.state).toBe("destroyed");
});

test("a client that never opens the window of a stream", async () => {
  const { peer, streams, told, server } = await start();
  peer.frames.settings([{ id: settingIds.initialWindowSize, value: 0 }]);
  peer.headers(1, get, true);
  await peer.exchange();
  streams[0]?.sendHead(head(), stay);
  streams[0]?.sendData(Buffer.from("x"));
  await peer.exchange();
  for (let second = 1; second <= 62; second++) server.check(second * 1000);
  expect(await peer.exchange()).toEqual(["RST_STREAM 1 ENHANCE_YOUR_CALM"]);
  expect(told.at(-1)).toBe("1 aborted");
});
