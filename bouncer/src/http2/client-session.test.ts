import { expect, test } from "vitest";
import { type Fields, RawPeer } from "../../test/http2/memory-wire.ts";
import type { ClientStreamListener, OutgoingRequest, UpstreamError } from "../http/message.ts";
import { ClientSession } from "./client-session.ts";
import { Http2ClientStream } from "./client-stream.ts";
import { errorCodes } from "./error-code.ts";
import { type Setting, settingIds } from "./settings.ts";

const limits = { maxHeaderBytes: 8192, maxHeaders: 50 };

interface Started {
  readonly peer: RawPeer;
  readonly session: ClientSession;
  /** What the listeners were told. */
  readonly told: string[];
  readonly errors: UpstreamError[];
  /** Streams that were handed back, by what happened. */
  readonly returned: string[];
  wantsMore: boolean;
  readonly send: (request?: Partial<OutgoingRequest>) => Http2ClientStream;
}

const request: OutgoingRequest = {
  method: "GET",
  target: "/",
  scheme: "http",
  rawHeaders: ["Host", "app"],
  bodyLength: 0,
  expectsContinue: false,
  upgrade: null,
  isRetry: false,
};
const upload = { method: "POST", bodyLength: null };

function create(settings: readonly Setting[] = []): Started {
  const peer = new RawPeer("server", settings);
  const told: string[] = [];
  const errors: UpstreamError[] = [];
  const returned: string[] = [];
  const session = new ClientSession({
    wire: peer.wire,
    limits,
    maxStreams: 100,
    assumedStreams: 100,
    owner: {
      onExcess: (streams) => returned.push(`excess ${streams.length}`),
      onChange: () => undefined,
      onGone: (_session, streams) => returned.push(`gone ${streams.length}`),
    },
  });
  let count = 0;
  const listen = (index: number): ClientStreamListener => ({
    onInformation: (status, rawHeaders) => told.push(`${index} ${status} ${rawHeaders.join(" ")}`),
    onHead: ({ status, rawHeaders, bodyLength }) =>
      told.push(`${index} ${status} ${rawHeaders.join(" ")} (${bodyLength})`),
    onData: (chunk) => {
      told.push(`${index} data ${chunk.length}`);
      return started.wantsMore;
    },
    onEnd: (trailers) => told.push(`${index} end ${trailers.join(" ")}`.trim()),
    onDrain: () => told.push(`${index} drain`),
    onSwitch: () => told.push(`${index} switch`),
    onError: (error) => {
      told.push(`${index} error`);
      errors.push(error);
    },
  });
  const started: Started = {
    peer,
    session,
    told,
    errors,
    returned,
    wantsMore: true,
    send: (changes = {}) => {
      count += 1;
      const stream = new Http2ClientStream(session, { ...request, ...changes }, listen(count));
      session.begin(stream);
      return stream;
    },
  };
  return started;
}

/** After the settings of both sides. */
async function start(): Promise<Started> {
  const started = create();
  await started.peer.exchange();
  return started;
}

const ok: Fields = [[":status", "200"]];

test("requests wait for the settings of the application, and no push is asked for", async () => {
  const { peer, send } = create();
  const stream = send(upload);
  expect(stream.sendData(Buffer.from("hello"))).toBe(false);
  stream.sendEnd([]);
  send();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await peer.exchange()).toEqual([
    "SETTINGS 2=0 6=8192",
    "WINDOW_UPDATE 0 983041",
    "SETTINGS ACK",
    "HEADERS 1 :method=POST :scheme=http :path=/ :authority=app",
    'DATA 1 "hello" END',
    "HEADERS 3 :method=GET :scheme=http :path=/ :authority=app END",
  ]);
});

test("more requests than the application takes are handed back", async () => {
  const { peer, send, session, returned } = create([
    { id: settingIds.maxConcurrentStreams, value: 2 },
  ]);
  for (let i = 0; i < 5; i++) send();
  const got = await peer.exchange();
  expect(got.filter((line) => line.startsWith("HEADERS")).length).toBe(2);
  expect(returned).toEqual(["excess 3"]);
  expect(session.hasRoom).toBe(false);
  peer.headers(1, ok, true);
  await peer.exchange();
  expect(session.hasRoom).toBe(true);
});

test("what is about the connection to the client is not sent on", async () => {
  const { peer, send } = await start();
  send({
    target: "/a?b",
    rawHeaders: Object.entries({
      "X-First": "1",
      Host: "app:80",
      Connection: "close",
      "Keep-Alive": "5",
      "Transfer-Encoding": "chunked",
      Upgrade: "h2c",
      "HTTP2-Settings": "AA",
      "Proxy-Connection": "close",
      TE: "trailers",
      Cookie: "a=b; c=d",
      "X-Pad": " e ",
    }).flat(),
  });
  expect(await peer.exchange()).toEqual([
    "HEADERS 1 :method=GET :scheme=http :path=/a?b :authority=app:80 x-first=1 te=trailers cookie=a=b; c=d x-pad=e END",
  ]);
});

test("an answer with interim ones before it and trailers behind it", async () => {
  const { peer, send, told } = await start();
  send();
  peer.headers(
    1,
    [
      [":status", "103"],
      ["link", "</a>"],
    ],
    false,
  );
  peer.headers(1, [...ok, ["content-length", "5"]], false);
  peer.data(1, "hel", false).data(1, "lo", false);
  peer.headers(1, [["grpc-status", "0"]], true);
  await peer.exchange();
  expect(told).toEqual([
    "1 103 link </a>",
    "1 200 content-length 5 (5)",
    "1 data 3",
    "1 data 2",
    "1 end grpc-status 0",
  ]);
});

test.each<[method: string, fields: Fields, endStream: boolean, told: readonly string[]]>([
  ["HEAD", [...ok, ["content-length", "5"]], true, ["1 200 content-length 5 (0)", "1 end"]],
  ["GET", [[":status", "204"]], true, ["1 204  (0)", "1 end"]],
  [
    "GET",
    [
      [":status", "304"],
      ["content-length", "5"],
    ],
    true,
    ["1 304 content-length 5 (0)", "1 end"],
  ],
  [
    "GET",
    [
      [":status", "304"],
      ["content-length", "5"],
    ],
    false,
    ["1 304 content-length 5 (0)"],
  ],
  ["GET", ok, true, ["1 200  (0)", "1 end"]],
  [
    "GET",
    [...ok, ["content-length", "5"], ["content-length", "5"]],
    false,
    ["1 200 content-length 5 (5)"],
  ],
])("%s is answered with %j", async (method, fields, endStream, expected) => {
  const { peer, send, told } = await start();
  send({ method });
  peer.headers(1, fields, endStream);
  await peer.exchange();
  expect(told).toEqual(expected);
});

test.each<[what: string, send: (peer: RawPeer) => unknown]>([
  ["no :status", (peer) => peer.headers(1, [["a", "b"]], true)],
  [":status twice", (peer) => peer.headers(1, [...ok, ...ok], true)],
  [":status that is none", (peer) => peer.headers(1, [[":status", "0200"]], true)],
  ["101", (peer) => peer.headers(1, [[":status", "101"]], false)],
  ["a pseudo-header of requests", (peer) => peer.headers(1, [...ok, [":path", "/"]], true)],
  ["transfer-encoding", (peer) => peer.headers(1, [...ok, ["transfer-encoding", "chunked"]], true)],
  ["a line end in a value", (peer) => peer.headers(1, [...ok, ["a", "b\r\nc: d"]], true)],
  ["an interim answer that ends it", (peer) => peer.headers(1, [[":status", "100"]], true)],
  [
    "two lengths",
    (peer) => peer.headers(1, [...ok, ["content-length", "5"], ["content-length", "6"]], false),
  ],
  [
    "less than its length",
    (peer) => peer.headers(1, [...ok, ["content-length", "5"]], false).data(1, "abc", true),
  ],
  ["no body, but a length", (peer) => peer.headers(1, [...ok, ["content-length", "5"]], true)],
  [
    "more than its length",
    (peer) => peer.headers(1, [...ok, ["content-length", "2"]], false).data(1, "abc", true),
  ],
  ["a body for 304", (peer) => peer.headers(1, [[":status", "304"]], false).data(1, "abc", true)],
  [
    "trailers that do not end it",
    (peer) => peer.headers(1, ok, false).headers(1, [["a", "b"]], false),
  ],
  ["headers without end", (peer) => peer.headers(1, [...ok, ["x", "y".repeat(9000)]], true)],
  [
    "too many interim answers",
    (peer) => {
      for (let i = 0; i < 40; i++) peer.headers(1, [[":status", "103"]], false);
    },
  ],
])("an answer with %s is none", async (_what, answer) => {
  const { peer, send, told, errors } = await start();
  send();
  await peer.exchange();
  answer(peer);
  expect(await peer.exchange()).toEqual(["RST_STREAM 1 PROTOCOL_ERROR"]);
  expect(told.at(-1)).toBe("1 error");
  expect(errors).toEqual([
    expect.objectContaining({ kind: "failed", isConnectionLoss: false, code: null }),
  ]);
});

test.each<[what: string, code: number, before: boolean, isConnectionLoss: boolean]>([
  ["refused", errorCodes.REFUSED_STREAM, false, true],
  ["reset before its answer", errorCodes.INTERNAL_ERROR, false, false],
  ["reset within its answer", errorCodes.CANCEL, true, false],
])("a request that is %s", async (_what, code, before, isConnectionLoss) => {
  const { peer, send, errors } = await start();
  send();
  if (before) peer.headers(1, ok, false);
  peer.frames.reset(1, code);
  await peer.exchange();
  expect(errors).toEqual([expect.objectContaining({ kind: "failed", code, isConnectionLoss })]);
});

test("an answer that is whole stays so, and the rest of the request is dropped when nobody wants it", async () => {
  const { peer, send, told } = await start();
  const stream = send(upload);
  peer.headers(1, ok, true);
  await peer.exchange();
  expect(stream.sendData(Buffer.from("more"))).toBe(true);
  expect(await peer.exchange()).toEqual(['DATA 1 "more"']);
  expect(stream.sendData(Buffer.alloc(100_000))).toBe(false);
  peer.frames.reset(1, errorCodes.NO_ERROR);
  await peer.exchange();
  expect(told).toEqual(["1 200  (0)", "1 end"]);
  expect(stream.sendData(Buffer.from("more"))).toBe(false);
  stream.sendEnd([]);
  expect(await peer.exchange()).toEqual([]);
});

test("nobody waits for the answer any more", async () => {
  const { peer, send, told } = await start();
  send().abort();
  send(upload).abort(errorCodes.NO_ERROR);
  expect(await peer.exchange()).toEqual([
    "HEADERS 1 :method=GET :scheme=http :path=/ :authority=app END",
    "RST_STREAM 1 CANCEL",
    "HEADERS 3 :method=POST :scheme=http :path=/ :authority=app",
    "RST_STREAM 3 NO_ERROR",
  ]);
  peer.headers(1, ok, false).data(1, "x", true);
  expect(await peer.exchange()).toEqual([]);
  expect(told).toEqual([]);
});

test("a request that is given up before it has begun is never sent", async () => {
  const { peer, send } = create();
  send().abort();
  send();
  const got = await peer.exchange();
  expect(got.filter((line) => line.startsWith("HEADERS")).length).toBe(1);
});

test("an answer comes as it is taken, and its end not before", async () => {
  const started = await start();
  const { peer, send, told } = started;
  const stream = send();
  started.wantsMore = false;
  peer.headers(1, ok, false).data(1, "abc", false).data(1, "de", true);
  await peer.exchange();
  expect(told).toEqual(["1 200  (null)", "1 data 3"]);
  stream.resume();
  expect(told.at(-1)).toBe("1 data 2");
  // The connection may go: everything is here.
  peer.wire.destroy();
  stream.resume();
  expect(told).toEqual(["1 200  (null)", "1 data 3", "1 data 2", "1 end"]);
});

test("GOAWAY: what was not looked at may be sent again, the rest goes on", async () => {
  const { peer, send, told, errors, session } = await start();
  send();
  send();
  peer.frames.goAway(1, errorCodes.NO_ERROR, "");
  await peer.exchange();
  expect(told).toEqual(["2 error"]);
  expect(errors).toEqual([
    expect.objectContaining({ isConnectionLoss: true, code: errorCodes.REFUSED_STREAM }),
  ]);
  expect(session.isUsable).toBe(false);
  expect(peer.wire.state).toBe("open");
  peer.headers(1, ok, true);
  await peer.exchange();
  expect(told).toEqual(["2 error", "1 200  (0)", "1 end"]);
  expect(peer.wire.state).toBe("closed");
});

test.each<[what: string, before: boolean, isConnectionLoss: boolean]>([
  ["before an answer", false, true],
  ["within an answer", true, false],
])("a connection that is lost %s", async (_what, before, isConnectionLoss) => {
  const { peer, send, errors, returned } = await start();
  send();
  if (before) peer.headers(1, ok, false);
  await peer.exchange();
  peer.wire.listener?.onEnd();
  expect(errors).toEqual([expect.objectContaining({ kind: "failed", isConnectionLoss })]);
  expect(returned).toEqual(["gone 0"]);
});

test("a connection that is lost before it spoke gives back what was to be sent", () => {
  const { peer, send, returned, told } = create();
  send();
  send();
  peer.wire.destroy();
  expect(returned).toEqual(["gone 2"]);
  expect(told).toEqual([]);
});

test.each<[what: string, send: (peer: RawPeer) => unknown, code: string]>([
  ["PUSH_PROMISE", (peer) => peer.raw(5, 4, 1, Buffer.alloc(8)), "PROTOCOL_ERROR"],
  [
    "an answer on a stream that was never begun",
    (peer) => peer.headers(9, ok, true),
    "PROTOCOL_ERROR",
  ],
  ["an answer on a stream of its own", (peer) => peer.headers(2, ok, true), "PROTOCOL_ERROR"],
  ["a second answer", (peer) => peer.headers(1, ok, true).headers(1, ok, true), "STREAM_CLOSED"],
])("%s ends the connection", async (_what, act, code) => {
  const { peer, send } = await start();
  send();
  await peer.exchange();
  act(peer);
  expect((await peer.exchange()).at(-1)).toMatch(new RegExp(`^GOAWAY 0 ${code}`));
  expect(peer.wire.state).toBe("closed");
});

test("an application that speaks HTTP/1", () => {
  const { peer, send, returned } = create();
  send();
  peer.wire.listener?.onData(Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
  expect(returned).toEqual(["gone 1"]);
  expect(peer.wire.state).toBe("closed");
});

test("pings are answered", async () => {
  const { peer } = await start();
  peer.frames.ping(Buffer.from("12345678"), false);
  expect(await peer.exchange()).toEqual(["PING 12345678 ACK"]);
});
