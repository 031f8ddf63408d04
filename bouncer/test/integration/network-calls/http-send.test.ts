/** Requests and response documents compared with those of the real `opa eval`. */
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromJson, parseTerm, printTerm } from "../../../src/rego/term.ts";
import { RegoObject, type Value } from "../../../src/rego/value.ts";
import { askOpa, sample } from "../differential/harness.ts";
import { ask, errorOf, openNetwork, startHttp, startRaw } from "./setting.ts";

/** Requests by what they show; `{}` in the URL is the server. */
type Requests = Readonly<Record<string, object>>;

interface Found {
  readonly here: Readonly<Record<string, unknown>>;
  readonly there: Readonly<Record<string, unknown>>;
}

async function askBoth(
  requests: Requests,
  tidy: (answer: Value | undefined) => unknown,
): Promise<Found> {
  await using network = openNetwork();
  const calls = Object.values(requests).map((request) => ["http.send", fromJson(request)] as const);
  const theirs = await askOpa(calls);
  const ours = await Promise.all(calls.map((call) => ask(network, call)));
  const table = (answers: (index: number) => Value | undefined) =>
    Object.fromEntries(Object.keys(requests).map((name, at) => [name, tidy(answers(at))]));
  return { here: table((at) => ours[at]), there: table((at) => theirs.get(at)) };
}

const print = (answer: Value | undefined): string =>
  answer === undefined ? "undefined" : printTerm(answer);

/** OPA does not keep connections that have a server name of their own. */
const printUnkept = (answer: Value | undefined): string =>
  print(answer).replace(/"connection":\["keep-alive"\],|,"keep-alive":\["timeout=5"\]/g, "");

/** How the two name themselves, and how they keep connections, is not compared. */
const personal = new Set(["user-agent", "connection"]);

test("requests arrive as OPA would have sent them", async () => {
  await using server = await startHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = Object.entries(request.headers)
        .filter(([name]) => !personal.has(name))
        .toSorted(([one], [other]) => (one < other ? -1 : 1));
      const body = Buffer.concat(chunks).toString();
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ method: request.method, url: request.url, headers, body }));
    });
  });
  const url = `${server.origin}/`;
  const { here, there } = await askBoth(
    {
      get: { method: "get", url },
      "no path": { method: "GET", url: server.origin },
      "a path with dots": { method: "GET", url: `${url}a/../b/./c//d` },
      "a path with what must be escaped": { method: "GET", url: `${url}a b/ü/"<>` },
      "a path with escapes": { method: "GET", url: `${url}a%2Fb%20c/%C3%BC;x=1,2:3@$&+=!*'()` },
      "escapes and what must be escaped": { method: "GET", url: `${url}a%2Fb c!*'()` },
      "a query": { method: "GET", url: `${url}p?a=1&b=%20&c[]=x;y` },
      "an empty query": { method: "GET", url: `${url}p?` },
      "a fragment": { method: "GET", url: `${url}p?q#f` },
      "quotes around": { method: '"get"', url: `"${url}q"` },
      user: { method: "GET", url: url.replace("//", "//me:p%40ss@") },
      "user and header": {
        method: "GET",
        url: url.replace("//", "//me:pass@"),
        headers: { authorization: "Bearer x" },
      },
      head: { method: "HEAD", url },
      "empty post": { method: "POST", url },
      "empty delete": { method: "DELETE", url },
      "another method": { method: "PROPFIND", url, raw_body: "x" },
      "a method of its own": { method: "frobnicate", url },
      "no method": { method: "", url },
      body: { method: "POST", url, body: { b: [1, 2.5, "ü", null, true], a: "<&>\u2028" } },
      "body of a string": { method: "PUT", url, body: "text" },
      "null as body": { method: "POST", url, body: null },
      "get with a body": { method: "GET", url, body: [1] },
      "raw body": { method: "PATCH", url, raw_body: "a=1&ü" },
      "raw body and body": { method: "POST", url, body: 1, raw_body: "raw" },
      "raw body in quotes": { method: "POST", url, raw_body: '""in""' },
      headers: {
        method: "GET",
        url,
        headers: { "x-ONE": "1", "Content-Type": "text/x", Accept: "*/*", "x-ü": "" } as object,
      },
      "header values": { method: "GET", url, headers: { "x-a": " ü\t", "x-b": "" } },
      host: { method: "GET", url, headers: { host: "elsewhere.example:99" } },
      "length of its own": {
        method: "POST",
        url,
        headers: { "content-length": "7" },
        raw_body: "x",
      },
      "encoding of its own": { method: "GET", url, headers: { "accept-encoding": "br" } },
      range: { method: "GET", url, headers: { range: "bytes=0-1" } },
    },
    printUnkept,
  );
  expect(here).toEqual(there);
  expect(here["get"]).toContain('"status":"200 OK"');
});

const reply = (head: string, body: string): string =>
  `HTTP/1.1 ${head}Content-Length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n${body}`;

const zipped = gzipSync("zipped text");
const json = "content-type: application/json\r\n";

test("responses are the documents that OPA makes of them", async () => {
  const answers = {
    "/plain": reply("200 OK\r\nContent-Type: text/plain\r\n", "text"),
    "/json": reply(`200 OK\r\n${json}`, '{"a":[1,2.50,1e3,123456789012345678901234567890]}'),
    "/problem": reply("400 Bad Request\r\nContent-Type: application/problem+json\r\n", '{"b":1}'),
    "/charset": reply('200 OK\r\nContent-Type: application/json; charset="utf-8"\r\n', "[]"),
    "/parameters": reply("200 OK\r\nContent-Type: application/json; charset\r\n", "[]"),
    "/upper": reply("200 OK\r\nContent-Type: Application/JSON\r\n", "[]"),
    "/text-json": reply("200 OK\r\nContent-Type: text/json\r\n", "[]"),
    "/broken": reply(`200 OK\r\n${json}`, '{"a":'),
    "/garbage": reply(`200 OK\r\n${json}`, "nonsense"),
    "/duplicate": reply(`200 OK\r\n${json}`, '{"a":1,"a":2}'),
    "/empty": reply(`200 OK\r\n${json}`, ""),
    "/mark": reply(`200 OK\r\n${json}`, "\xef\xbb\xbf1"),
    "/yaml": reply("200 OK\r\nContent-Type: application/yaml\r\n", "a: [1, x]\nb: ~\n"),
    "/x-yaml": reply("200 OK\r\nContent-Type: application/x-yaml; v=1\r\n", "- 1\n- y: 2\n"),
    "/broken-yaml": reply("200 OK\r\nContent-Type: application/yaml\r\n", "a: [1"),
    "/json-as-yaml": reply("200 OK\r\nContent-Type: application/yaml\r\n", '\xef\xbb\xbf{"a":1}'),
    "/untyped": reply("200 OK\r\n", '{"a":1}'),
    "/headers": reply(
      "200 OK\r\nX-A: 1\r\nx-a:  2 \r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-U: \xc3\xbc\r\n",
      "",
    ),
    "/phrase": reply("299 Very much so\r\n", ""),
    "/pragma": reply("200 OK\r\nPragma: no-cache\r\n", ""),
    "/no-content": "HTTP/1.1 204 No Content\r\n\r\n",
    "/until-closed": "HTTP/1.1 200 OK\r\n\r\nup to the end",
    "/old": "HTTP/1.0 200 OK\r\n\r\nold",
    "/chunked":
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    "/trailer":
      "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: t\r\n\r\n",
    "/continued": `HTTP/1.1 103 Early Hints\r\n\r\n${reply("200 OK\r\n", "at last")}`,
    "/gzip": reply("200 OK\r\nContent-Encoding: gzip\r\n", zipped.toString("latin1")),
    "/gzip-json": reply(
      `200 OK\r\n${json}Content-Encoding: GZIP\r\n`,
      gzipSync('{"z":1}').toString("latin1"),
    ),
    "/deflate": reply("200 OK\r\nContent-Encoding: deflate\r\n", "left as it is"),
    "/redirect": reply("302 Found\r\nLocation: /plain\r\n", "over there"),
    "/not-found": reply("404 Not Found\r\n", "no"),
    "/failed": reply("500 Internal Server Error\r\n", "no"),
  };
  await using server = await startRaw(answers);
  const plain = Object.keys(answers).map(
    (path) => [path, { method: "GET", url: server.origin + path }] as const,
  );
  const { here, there } = await askBoth(
    {
      ...Object.fromEntries(plain),
      "json by force": { method: "GET", url: `${server.origin}/untyped`, force_json_decode: true },
      "no json by force": { method: "GET", url: `${server.origin}/plain`, force_json_decode: true },
      "yaml by force": { method: "GET", url: `${server.origin}/plain`, force_yaml_decode: true },
      "zipped as it was asked for": {
        method: "GET",
        url: `${server.origin}/gzip`,
        headers: { "accept-encoding": "identity" },
        force_json_decode: true,
      },
      head: { method: "HEAD", url: `${server.origin}/no-content` },
    },
    // Bytes that are no UTF-8 are one replacement character each in Go, and fewer here.
    (answer) =>
      print(answer)
        .replaceAll(/\u{FFFD}+|\\ufffd/gu, "?")
        .replace(/"raw_body":"\S*\?.*"/, ""),
  );
  expect(here).toEqual(there);
});

test("redirects are followed as OPA follows them", async () => {
  await using server = await startHttp((request, response) => {
    const [, status = "", target = ""] = /^\/to\/(\d+)\/(.*)$/.exec(request.url ?? "") ?? [];
    request.resume();
    if (status !== "") {
      response.writeHead(
        Number(status),
        target === "" ? {} : { location: decodeURIComponent(target) },
      );
      response.end("moved");
      return;
    }
    const { host, referer, authorization, cookie, "content-type": type } = request.headers;
    const length = request.headers["content-length"];
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        method: request.method,
        url: request.url,
        host,
        referer,
        authorization,
        cookie,
        type,
        length,
      }),
    );
  });
  const other = server.origin.replace("127.0.0.1", "localhost");
  const to = (status: number, target: string): string =>
    `${server.origin}/to/${status}/${encodeURIComponent(target)}`;
  const base = {
    enable_redirect: true,
    raw_body: "body",
    headers: { authorization: "secret", cookie: "a=b", "content-type": "text/x" },
  };
  const statuses = [300, 301, 302, 303, 304, 307, 308].flatMap((status) =>
    ["GET", "POST", "HEAD", "DELETE"].map(
      (method) =>
        [
          `${method} ${status}`,
          { ...base, method, url: to(status, `/there?from=${method}`) },
        ] as const,
    ),
  );
  const { here, there } = await askBoth(
    {
      ...Object.fromEntries<object>(statuses),
      "not asked for": { method: "GET", url: to(302, "/there") },
      nowhere: { ...base, method: "GET", url: `${server.origin}/to/302/` },
      "up a level": { ...base, method: "GET", url: to(302, "../../x") },
      "another host": { ...base, method: "GET", url: to(302, `${other}/there`) },
      "another host and back": {
        ...base,
        method: "GET",
        url: to(302, `${other}/to/302/${encodeURIComponent(`${server.origin}/home`)}`),
      },
      "twice, the body is gone": {
        ...base,
        method: "POST",
        url: to(302, `/to/307/${encodeURIComponent("/there")}`),
      },
      "host of its own": {
        ...base,
        method: "GET",
        url: to(302, "/there"),
        headers: { host: "elsewhere.example" },
      },
      "host of its own, absolute": {
        ...base,
        method: "GET",
        url: to(302, `${server.origin}/there`),
        headers: { host: "elsewhere.example" },
      },
      "another scheme": { ...base, method: "GET", url: to(302, "ftp://x/"), raise_error: false },
    },
    (answer) => printUnkept(answer).replace(/"message":".*?[^\\]"/, ""),
  );
  expect(here).toEqual(there);
});

/** What kind of error it is; the words are ours. */
function kindOf(answer: Value | undefined): unknown {
  const error = answer instanceof RegoObject ? answer.get("error") : undefined;
  if (!(answer instanceof RegoObject) || !(error instanceof RegoObject)) return print(answer);
  const { message } = errorOf(answer);
  return { code: error.get("code"), known: known.filter((text) => message.includes(text)) };
}

/** Words that policies look for. */
const known = [
  "connection refused",
  "no such host",
  "context deadline exceeded",
  "EOF",
  "unsupported protocol scheme",
  "invalid header field name",
];

test("errors have OPA's codes, and are undefined when they are to be raised", async () => {
  await using server = await startRaw({
    "/reset": null,
    "/nothing": "",
    "/nonsense": "SMTP ready\r\n\r\n",
    "/short": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    "/chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "/bad-gzip":
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 16\r\n\r\nsixteen letters!",
    "/ok": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  });
  await using silent = await startHttp((request, response) => {
    if (request.url === "/half") response.write("half");
  });
  const ok = `${server.origin}/ok`;
  const failing: Readonly<Record<string, object>> = {
    refused: { method: "GET", url: "http://127.0.0.1:1/" },
    "no such host": { method: "GET", url: "http://nothing.invalid/" },
    "a number for a host": { method: "GET", url: "http://2130706433:1/" },
    reset: { method: "GET", url: `${server.origin}/reset` },
    "no answer": { method: "GET", url: `${server.origin}/nothing` },
    "no HTTP": { method: "GET", url: `${server.origin}/nonsense` },
    "too short": { method: "GET", url: `${server.origin}/short` },
    "no last chunk": { method: "GET", url: `${server.origin}/chunks` },
    "not zipped": { method: "GET", url: `${server.origin}/bad-gzip` },
    silence: { method: "GET", url: silent.origin, timeout: "200ms" },
    "silence, ns": { method: "GET", url: `${silent.origin}/ns`, timeout: 200_000_000 },
    "silence, text of ns": { method: "GET", url: `${silent.origin}/t`, timeout: "200000000" },
    "half a body": { method: "GET", url: `${silent.origin}/half`, timeout: "200ms" },
    "no URL": { method: "GET" },
    "no method": { url: ok },
    "unknown field": { method: "GET", url: ok, uri: 1 },
    "method of another type": { method: 1, url: ok },
    "URL of another type": { method: "GET", url: ["x"] },
    "no token for a method": { method: "G T", url: ok },
    "scheme of another kind": { method: "GET", url: "ftp://127.0.0.1/" },
    "no scheme": { method: "GET", url: "/path" },
    "no host": { method: "GET", url: "http:///path" },
    opaque: { method: "GET", url: "http:path" },
    "no URL at all": { method: "GET", url: "" },
    "space in the scheme": { method: "GET", url: "ht tp://127.0.0.1/" },
    "space in the host": { method: "GET", url: "http://127.0 .0.1/" },
    "invalid escape": { method: "GET", url: `${ok}%zz` },
    "control character": { method: "GET", url: `${ok}\u0001` },
    "line break": { method: "GET", url: `${ok}\r\nX: y` },
    "no port": { method: "GET", url: "http://127.0.0.1:x/" },
    "too high a port": { method: "GET", url: "http://127.0.0.1:99999/" },
    "bad user": { method: "GET", url: "http://a b@127.0.0.1/" },
    "bad IPv6": { method: "GET", url: "http://[::g]/" },
    headers: { method: "GET", url: ok, headers: [] },
    "header value": { method: "GET", url: ok, headers: { a: 1 } },
    "header name": { method: "GET", url: ok, headers: { "a b": "1" } },
    "line break in a header": { method: "GET", url: ok, headers: { a: "1\r\nb: 2" } },
    timeout: { method: "GET", url: ok, timeout: "soon" },
    "timeout type": { method: "GET", url: ok, timeout: true },
    "timeout fraction": { method: "GET", url: ok, timeout: 1.5 },
    retries: { method: "GET", url: ok, max_retry_attempts: -1 },
    "retries of text": { method: "GET", url: ok, max_retry_attempts: "1" },
    redirect: { method: "GET", url: ok, enable_redirect: "true" },
    json: { method: "GET", url: ok, force_json_decode: 1 },
    yaml: { method: "GET", url: ok, force_yaml_decode: "x" },
    cache: { method: "GET", url: ok, cache: "true" },
    "force cache": { method: "GET", url: ok, force_cache: true },
    "force cache of text": {
      method: "GET",
      url: ok,
      force_cache: true,
      force_cache_duration_seconds: "60",
    },
    "ignored headers": { method: "GET", url: ok, headers: {}, cache_ignored_headers: "x" },
    "ignored numbers": { method: "GET", url: ok, headers: {}, cache_ignored_headers: [1] },
    authorities: { method: "GET", url: ok, tls_ca_cert: "none" },
    "authority type": { method: "GET", url: ok, tls_ca_cert: 1 },
    "client certificate": { method: "GET", url: ok, tls_client_cert: "x", tls_client_key: "y" },
    "raise error": { method: "GET", url: ok, raise_error: "no" },
  };
  const working: Readonly<Record<string, object>> = {
    "timeout of zero": { method: "GET", url: ok, timeout: 0 },
    "negative timeout": { method: "GET", url: ok, timeout: "-1s" },
    "timeout in parts": { method: "GET", url: ok, timeout: "1m2.5s" },
    "numbers as booleans": { method: "GET", url: ok, enable_redirect: 1, tls_use_system_certs: 0 },
    "ignored headers without headers": { method: "GET", url: ok, cache_ignored_headers: 1 },
    "certificate without key": { method: "GET", url: ok, tls_client_cert: "x" },
    "unknown way of caching": { method: "GET", url: ok, cache: true, caching_mode: "odd" },
  };
  const quiet = Object.entries(failing).map(
    ([name, one]) => [name, { raise_error: false, ...one }] as const,
  );
  const quietly = await askBoth({ ...Object.fromEntries<object>(quiet), ...working }, kindOf);
  expect(quietly.here).toEqual(quietly.there);
  expect(quietly.here).toMatchObject({
    refused: { code: "eval_http_send_network_error", known: ["connection refused"] },
    silence: { code: "eval_http_send_network_error", known: ["context deadline exceeded"] },
    "half a body": { code: "eval_http_send_internal_error" },
  });
  const loud = await askBoth(failing, kindOf);
  expect(loud.here).toEqual(loud.there);
  expect(new Set(Object.values(loud.here))).toEqual(new Set(["undefined"]));
});

const pathPieces = fc.constantFrom(
  "/",
  ".",
  "..",
  "%2F",
  "%2f",
  "%",
  "%41",
  "%FF",
  "%00",
  "a",
  "B7",
  "-_~",
  " ",
  "+",
  "ü",
  "\u{1F600}",

  "!",
  "*",
  "'",
  "(",
  ")",
  "[",
  "]",
  ":",
  ";",
  ",",
  "@",
  "=",
  "&",
  "$",
  '"',
  "<",
  "\\",
  "^",
  "`",
  "{",
  "|",
);

test("paths and queries of any kind arrive as OPA would have sent them", async () => {
  await using server = await startHttp((request, response) => {
    response.end(request.url);
  });
  const texts = sample(fc.array(pathPieces, { maxLength: 8 }), 300).map((all) => all.join(""));
  const urls = texts.map(
    (text, at) => `${server.origin}/${text}${at % 3 === 0 ? "?a=b;c[]=%2f&&" : ""}`,
  );
  const requests = urls.map((url) => [url, { method: "GET", url, raise_error: false }] as const);
  const { here, there } = await askBoth(Object.fromEntries(requests), kindOf);
  expect(here).toEqual(there);
});

const typePieces = fc.constantFrom(
  "application/",
  "json",
  "yaml",
  "x-yaml",
  "problem+json",
  "+json",
  "text/",
  "APPLICATION/JSON",
  "application/json",

  ";",
  " ",
  "\t",
  "a=b",
  "charset=utf-8",
  'q="x;y"',
  '"',
  "=",
  "/",
  ",",
  "\\",
  "é",
  "a",
  ";;",
  "; a=1; a=2",
);

test("the type of a body of any kind is read as OPA reads it", async () => {
  const texts = sample(fc.array(typePieces, { maxLength: 5 }), 400).map((all) => all.join(""));
  await using server = await startHttp((request, response) => {
    response.setHeader(
      "content-type",
      Buffer.from(texts[Number(request.url?.slice(1))] ?? "").toString("latin1"),
    );
    response.end('{"a":1}');
  });
  const requests = texts.map(
    (text, at) => [text, { method: "GET", url: `${server.origin}/${at}` }] as const,
  );
  const { here, there } = await askBoth(Object.fromEntries(requests), (answer) =>
    answer instanceof RegoObject
      ? printTerm([answer.get("body") ?? "none", answer.get("headers") ?? ""])
      : "none",
  );
  expect(here).toEqual(there);
});

test("keys that are no strings, and sets, are sent as OPA sends them", async () => {
  await using server = await startHttp((request, response) => {
    request.pipe(response);
  });
  await using network = openNetwork();
  const request = parseTerm(
    `{"method":"POST","url":${JSON.stringify(server.origin)},"body":{1:{"b","a"},[1]:set()}}`,
  );
  const [theirs, ours] = await Promise.all([
    askOpa([["http.send", request]]),
    ask(network, ["http.send", request]),
  ]);
  expect(print(ours)).toBe(print(theirs.get(0)));
});
