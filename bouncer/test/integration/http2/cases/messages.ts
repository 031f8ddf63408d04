/** RFC 9113, 8: what requests are, and what only looks like one. */
import { block, type Fields, frame, get, hex, open, post, request } from "../raw-peer.ts";
import { type Case, data, sends, trailers, type } from "./case.ts";

const [method, scheme, path, authority] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "app"],
] as const;

const malformed = "400";
const noMessage = "RST_STREAM PROTOCOL_ERROR";

/** Refused with an answer by us, without one by Node; 8.1.1 allows both. */
function refuses(section: string, name: string, fields: Fields): Case {
  const run = sends([request(1, fields)]);
  return { section, name, run, expected: malformed, node: noMessage };
}

/** Node leaves the header out, or takes it, as if the request were in order. */
function refusesUnlikeNode(section: string, name: string, fields: Fields): Case {
  const run = sends([request(1, fields)]);
  return { section, name, run, expected: malformed, nodeWrong: "200" };
}

function takes(section: string, name: string, fields: Fields): Case {
  return { section, name, run: sends([request(1, fields)]), expected: "200" };
}

/**
 * Of HTTP/1 and of HTTP/2 alike this is looked at by who takes the request, not by who reads it, so
 * the servers here take it.
 */
function leaves(name: string, fields: Fields, node = "200"): Case {
  const run = sends([request(1, fields)]);
  const one = {
    section: "8.3.1",
    name: `${name}: not for the codec to judge`,
    run,
    expected: "200",
  };
  return node === "200" ? one : { ...one, node };
}

function and(...more: Fields): Fields {
  return [...get("/"), ...more];
}

/** A name, a value that `block` would not write. */
function raw(nameHex: string, valueHex: string): Buffer {
  const name = hex(nameHex);
  const value = hex(valueHex);
  return Buffer.concat([
    block(get("/")),
    Buffer.from([0, name.length]),
    name,
    Buffer.from([value.length]),
    value,
  ]);
}

function refusesRaw(name: string, nameHex: string, valueHex: string): Case {
  const run = sends([frame(type.HEADERS, 0x5, 1, raw(nameHex, valueHex))]);
  return { section: "8.2.1", name, run, expected: malformed, nodeWrong: "200" };
}

export const messageCases: readonly Case[] = [
  {
    section: "8.1",
    name: "a request with a body and trailers",
    run: sends([open(1), data(1, "a"), trailers(1, [["x", "y"]])]),
    expected: "200",
  },
  {
    section: "8.1",
    name: "trailers that do not end the stream",
    run: sends([open(1), data(1, "a"), trailers(1, [["x", "y"]], false)]),
    expected: noMessage,
  },
  {
    section: "8.1",
    name: "DATA that is empty ends the stream",
    run: sends([open(1), data(1, "", true)]),
    expected: "200",
  },
  {
    section: "8.1",
    name: "a body while the answer is there already",
    run: sends([open(1, post("/early")), data(1, "a", true)]),
    expected: "200",
  },
  {
    section: "8.1",
    name: "pseudo-headers in trailers",
    run: sends([open(1), data(1, "a"), trailers(1, [[":path", "/"]])]),
    expected: noMessage,
  },
  {
    section: "8.1",
    name: "the pseudo-header of answers in trailers",
    run: sends([open(1), data(1, "a"), trailers(1, [[":status", "200"]])]),
    expected: noMessage,
  },
  {
    section: "8.1",
    name: "a name with upper case in trailers",
    run: sends([open(1), data(1, "a"), trailers(1, [["X-Y", "z"]])]),
    expected: noMessage,
  },
  {
    section: "8.1",
    name: "content-length in trailers",
    run: sends([open(1), data(1, "a"), trailers(1, [["content-length", "1"]])]),
    expected: "200",
  },
  {
    section: "8.1",
    name: "transfer-encoding in trailers",
    run: sends([open(1), data(1, "a"), trailers(1, [["transfer-encoding", "chunked"]])]),
    expected: noMessage,
  },

  refuses("8.2.1", "a name with upper case", and(["X-Test", "a"])),
  refusesUnlikeNode("8.2.1", "a name with a space", and(["x test", "a"])),
  refusesUnlikeNode("8.2.1", "a name with a colon in it", and(["x:test", "a"])),
  refusesUnlikeNode("8.2.1", "a name beyond ASCII", and(["x\u{e4}", "a"])),
  refusesUnlikeNode("8.2.1", "a name that is empty", and(["", "a"])),
  refusesRaw("a value with NUL", "78", "610062"),
  refusesRaw("a value with CR", "78", "610d62"),
  refusesRaw("a value with LF", "78", "610a62"),
  refusesRaw("a value with CR and LF", "78", "61 0d0a 62 3a 63"),
  refusesRaw("a name with LF", "780a79", "61"),
  refusesUnlikeNode("8.2.1", "a value that begins with a space", and(["x", " a"])),
  refusesUnlikeNode("8.2.1", "a value that ends with a tab", and(["x", "a\t"])),
  takes("8.2.1", "a value that is empty", and(["x", ""])),
  takes("8.2.1", "a value beyond ASCII", and(["x", "\u{e4}\u{ff}"])),
  refuses("8.2.2", "connection", and(["connection", "keep-alive"])),
  refuses("8.2.2", "keep-alive", and(["keep-alive", "timeout=5"])),
  refuses("8.2.2", "proxy-connection", and(["proxy-connection", "keep-alive"])),
  refuses("8.2.2", "transfer-encoding", and(["transfer-encoding", "chunked"])),
  refuses("8.2.2", "upgrade", and(["upgrade", "websocket"])),
  takes("8.2.2", "te: trailers", and(["te", "trailers"])),
  refuses("8.2.2", "te: trailers, deflate", and(["te", "trailers, deflate"])),
  takes("8.2.3", "cookies in crumbs", and(["cookie", "a=b"], ["cookie", "c=d"])),

  refuses("8.3", "a pseudo-header that nobody knows", and([":test", "a"])),
  refuses("8.3", "a pseudo-header of answers", and([":status", "200"])),
  refuses("8.3", "a pseudo-header behind a header", and(["x", "y"], [":authority", "b"])),
  refuses("8.3", "all pseudo-headers, one behind a header", [
    method,
    scheme,
    ["x", "y"],
    path,
    authority,
  ]),
  refuses("8.3", ":method twice", and(method)),
  refuses("8.3", ":path twice", and(path)),
  refuses("8.3", ":scheme twice", and(scheme)),
  refuses("8.3", ":authority twice", and(authority)),
  refuses("8.3.1", "no :method", [scheme, path, authority]),
  refuses("8.3.1", "no :scheme", [method, path, authority]),
  refuses("8.3.1", "no :path", [method, scheme, authority]),
  refuses("8.3.1", ":path that is empty", [method, scheme, [":path", ""], authority]),
  refuses("8.3.1", ":path that is no path", [method, scheme, [":path", "index"], authority]),
  refuses("8.3.1", ":path with a space", [method, scheme, [":path", "/a b"], authority]),
  refuses("8.3.1", ":path that is a URI", [method, scheme, [":path", "http://other/"], authority]),
  leaves(":path with a fragment", [method, scheme, [":path", "/a#b"], authority]),
  refuses("8.3.1", ":path of * with GET", [method, scheme, [":path", "*"], authority]),
  takes("8.3.1", ":path of * with OPTIONS", [
    [":method", "OPTIONS"],
    scheme,
    [":path", "*"],
    authority,
  ]),
  refuses("8.3.1", ":method that is no token", [[":method", "G ET"], scheme, path, authority]),
  refuses("8.3.1", ":method that is empty", [[":method", ""], scheme, path, authority]),
  leaves(
    ":authority with user and password",
    [method, scheme, path, [":authority", "a:b@app"]],
    noMessage,
  ),
  takes("8.3.1", "host in place of :authority", [method, scheme, path, ["host", "app"]]),
  takes("8.3.1", "host that is :authority", and(["host", "app"])),
  refusesUnlikeNode("8.3.1", "host that is another than :authority", and(["host", "other"])),
  leaves("neither host nor :authority", [method, scheme, path], noMessage),
  refuses("8.5", "CONNECT with :path", [[":method", "CONNECT"], scheme, path, authority]),
  refuses("8.5", "CONNECT without :authority", [[":method", "CONNECT"]]),
  refuses("RFC 8441, 4", "CONNECT with :protocol, which was not offered", [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    scheme,
    path,
    authority,
  ]),

  {
    section: "8.1.1",
    name: "content-length that is right",
    run: sends([open(1, post("/", ["content-length", "4"])), data(1, "ab"), data(1, "cd", true)]),
    expected: "200",
  },
  {
    section: "8.1.1",
    name: "content-length larger than the body",
    run: sends([open(1, post("/", ["content-length", "5"])), data(1, "abcd", true)]),
    expected: noMessage,
  },
  {
    section: "8.1.1",
    name: "content-length smaller than the body",
    run: sends([open(1, post("/", ["content-length", "3"])), data(1, "ab"), data(1, "cd", true)]),
    expected: noMessage,
    nodeWrong: "GOAWAY INTERNAL_ERROR",
  },
  {
    section: "8.1.1",
    name: "content-length, but no body",
    run: sends([request(1, post("/", ["content-length", "1"]))]),
    expected: malformed,
    node: noMessage,
  },
  {
    section: "8.1.1",
    name: "content-length, and trailers before it is reached",
    run: sends([
      open(1, post("/", ["content-length", "5"])),
      data(1, "ab"),
      trailers(1, [["x", "y"]]),
    ]),
    expected: noMessage,
  },
  {
    section: "8.1.1",
    name: "content-length twice",
    run: sends([
      open(1, post("/", ["content-length", "1"], ["content-length", "1"])),
      data(1, "a", true),
    ]),
    expected: malformed,
    node: noMessage,
  },
  {
    section: "8.1.1",
    name: "content-length that is no number",
    run: sends([open(1, post("/", ["content-length", "1a"])), data(1, "a", true)]),
    expected: malformed,
    node: noMessage,
  },
  {
    section: "8.1.1",
    name: "content-length with a sign",
    run: sends([open(1, post("/", ["content-length", "+1"])), data(1, "a", true)]),
    expected: malformed,
    node: noMessage,
  },
  {
    section: "8.1.1",
    name: "after a request that is malformed, others go on",
    run: sends([request(1, [method]), request(3)], 3),
    expected: "200",
  },
];
