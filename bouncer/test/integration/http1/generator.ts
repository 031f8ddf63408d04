/**
 * Messages for the differential fuzz: by the grammar, with what attacks on the framing of messages
 * are made of strewn in, then now and then with bytes changed at random. latin1 text.
 */
import type { Random } from "./random.ts";

const encodings = [
  "chunked",
  "Chunked",
  "CHUNKED",
  " chunked ",
  "\tchunked",
  "gzip, chunked",
  "chunked, gzip",
  "chunked, chunked",
  "chunked,",
  ",chunked",
  "identity",
  "xchunked",
  "chunkedx",
  "chunked;q=1",
  '"chunked"',
  "chun ked",
  "\x0bchunked",
  "chunked\x0c",
  "\xa0chunked",
  "cHuNkEd\x80",
  "",
] as const;

const lengths = [
  "5",
  "0",
  "05",
  "5 ",
  "\t5",
  "+5",
  "-5",
  "5, 5",
  "5,6",
  "5 5",
  "0x5",
  "5.0",
  "5e0",
  "",
  "\xa05",
  "\x0b5",
  "5;",
  "five",
  "99999999999999999999",
  "18446744073709551621",
  "9007199254740993",
  "000000000000000000005",
] as const;

const lengthNames = [
  "Content-Length",
  "content-length",
  "CONTENT-LENGTH",
  "Content-Length ",
  " Content-Length",
  "Content_Length",
  "Content-Length\t",
  "Content-Length\0",
  "\xa0Content-Length",
] as const;

const encodingNames = [
  "Transfer-Encoding",
  "transfer-encoding",
  "TRANSFER-ENCODING",
  "Transfer-Encoding ",
  " Transfer-Encoding",
  "Transfer_Encoding",
  "Transfer-Encoding\x0b",
  "Transfer\r\n-Encoding",
] as const;

const connections = [
  "keep-alive",
  "close",
  "Close",
  "close, keep-alive",
  "keep-alive, close",
  "close keep-alive",
  "keep-alive,,",
  "upgrade",
  "Upgrade, close",
  "te, close",
  "closed",
  "close;",
  '"close"',
  ",",
  "",
] as const;

const oddLines = [
  "X-A: b\r\n c",
  "X-A:\r\n\tb",
  "X-A: b\nX-B: c",
  "X-A: b\rX-B: c",
  "X-A: b\0c",
  "X-A: b\x7f",
  "X-A: b\x01",
  "X-A\r\n: b",
  "X-A",
  ": b",
  "",
  " ",
  "X A: b",
  "X(A): b",
  "X-\xe9: b",
  "X-A : b",
  "X-A: \xff\x80\xa0",
  "X-A: b\t\tc",
  "X-A:b  ",
  'X-A: "b, c"',
  "X-A: \u0085",
  "Expect: 100-continue",
  "Expect: 100-Continue",
  "Expect: tea",
  "Upgrade: websocket",
  "Upgrade: websocket, h2c",
  "Upgrade:",
  "Host: b",
  "Host:",
  "Content-Type: a/b",
  "Keep-Alive: timeout=5",
  "Trailer: X-T",
  "TE: trailers",
  "Proxy-Connection: close",
] as const;

const usualLines = [
  "Accept: */*",
  "user-agent: a/1.0 (b; c)",
  "X-A: b",
  "X-A:",
  "X-A:b",
  "x-empty:   ",
  "Cookie: a=b; c=d",
  "X-Long: 0123456789abcdef0123456789abcdef0123456789abcdef",
] as const;

const targets = ["/", "/a", "/a?b=c", "/a/b/c;d=e", "/%41", "/a?b#c", "http://a/b"] as const;
const oddTargets = [
  "*",
  "a",
  "",
  "//",
  "/a b",
  "/\xe9",
  "/a\x01",
  "/a\tb",
  "/\\",
  "/\x7f",
  "/a\0",
  "?a",
  "http:/a",
  "http://",
  "http://a",
  "http://a@b/",
  "http://a@b@c/",
  "http://[::1]:80/",
  "http://a\\b/",
  "http://a?b",
  "http://a#b",
  "https://a/",
  "ftp://a/",
  "1http://a/",
  "a:80",
  "HTTP://A/",
] as const;

const versions = ["HTTP/1.1"] as const;
const oddVersions = [
  "HTTP/1.0",
  "HTTP/1.0",
  "HTTP/1.2",
  "HTTP/0.9",
  "HTTP/2.0",
  "HTTP/1.1 ",
  " HTTP/1.1",
  "http/1.1",
  "HTTP/1,1",
  "HTTP/01.1",
  "HTTP/1.10",
  "HTTP/1.",
  "HTTP1.1",
  "HTTPS/1.1",
  "RTSP/1.0",
  "ICE/1.0",
  "",
] as const;

const methods = ["GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "QUERY"] as const;
const oddMethods = [
  "get",
  "Post",
  "BREW",
  "PRI",
  "CONNECT",
  "DESCRIBE",
  "SETUP",
  "SOURCE",
  "M-SEARCH",
  "G\tET",
  "GE T",
  " GET",
  "",
  "\0GET",
  "G\xe9T",
  "GET\r\n",
] as const;

const extensions = [
  ";a",
  ";a=b",
  ';a="b"',
  ';a="b\\"c"',
  ";a=b;c=d",
  " ;a",
  "; a",
  ";a =b",
  ";",
  ";;",
  ";=",
  ";a=",
  ';a="b',
  ';a="\x01"',
  ';a="\xe9"',
  ";a\n",
  ";a\r",
  ";a\x0b",
  ";a=b c",
  ";a b",
  "\t",
  " ",
  ";\xe9",
  ';a="b"c',
  ';a="\\\x7f"',
  `;${"a".repeat(200)}`,
] as const;

const sizePrefixes = ["0x", "+", "-", " ", "00000", "0000000000000000", "\t", "_"] as const;
const hugeSizes = [
  "ffffffffffffffff",
  "10000000000000005",
  "20000000000000",
  "1fffffffffffff",
  "fffffffffffffffffffff",
  "8000000000000000",
  "g",
  "5g",
  "",
] as const;

function chunk(random: Random, odd: number): string {
  const size = random.below(12) + 1;
  const data = "abcdefghijklm".slice(0, size);
  let head = random.chance(50) ? size.toString(16) : size.toString(16).toUpperCase();
  if (random.chance(odd)) head = random.pick(sizePrefixes) + head;
  if (random.chance(odd)) head = random.pick(hugeSizes);
  if (random.chance(15)) head += random.either([";a", ";a=b", ';a="b;\tc"'], extensions, odd * 3);
  const end = random.either(["\r\n"], ["\n", "\r", "\r\r\n", "", "\n\r"], odd);
  const close = random.either(["\r\n"], ["\n", "", "\r", "x\r\n", "\r\n\r\n", " \r\n"], odd);
  return head + end + data + close;
}

function chunkedBody(random: Random, odd: number): string {
  let body = "";
  for (let count = random.below(4); count > 0; count--) body += chunk(random, odd);
  const last = random.either(["0"], ["00", "0;a=b", "0 ", "-0", "0x0", "0000", "0;"], odd);
  let trailers = "";
  for (let count = random.chance(30) ? random.below(3) : 0; count > 0; count--) {
    const line = random.either(usualLines, oddLines, odd * 3);
    const other = random.chance(50) ? framingLine(random, 20) : connectionLine(random);
    trailers += `${random.chance(odd) ? other : line}\r\n`;
  }
  const end = random.either(["\r\n"], ["\n", "", "\r", " \r\n"], odd);
  return `${last}${random.either(["\r\n"], ["\n", "\r"], odd)}${trailers}${end}`;
}

function framingLine(random: Random, odd: number): string {
  return random.chance(50)
    ? `${random.either(["Content-Length"], lengthNames, odd)}: ${random.either(["5"], lengths, odd)}`
    : `${random.either(["Transfer-Encoding"], encodingNames, odd)}: ${random.either(["chunked"], encodings, odd)}`;
}

function connectionLine(random: Random): string {
  const name = random.either(["Connection"], ["connection", "Proxy-Connection", "Connection "], 10);
  return `${name}: ${random.either(["keep-alive"], connections, 50)}`;
}

/** Header lines, and the body that goes with them more often than not. */
function headersAndBody(random: Random, lines: string[], odd: number): string {
  let body = "";
  const kind = random.below(5);
  if (kind === 1 || kind === 2) {
    body = random.either(["hello"], ["", "hell", "hello!"], odd);
    const name = random.either(["Content-Length"], lengthNames, odd);
    lines.push(`${name}: ${random.either(["5"], lengths, odd)}`);
  } else if (kind === 3 || kind === 4) {
    body = chunkedBody(random, odd);
    const name = random.either(["Transfer-Encoding"], encodingNames, odd);
    lines.push(`${name}: ${random.either(["chunked"], encodings, odd)}`);
  }
  if (random.chance(odd)) lines.push(framingLine(random, 30));
  for (let count = random.below(4); count > 0; count--) {
    lines.push(random.either(usualLines, oddLines, odd * 2));
  }
  if (random.chance(15)) lines.push(connectionLine(random));
  if (random.chance(4)) lines.push("Connection: Upgrade", "Upgrade: a");
  if (random.chance(50)) lines.reverse();
  const ends = lines.map(
    (line) => line + random.either(["\r\n"], ["\n", "\r", "\r\r\n", "\n\r"], odd / 5),
  );
  return `${ends.join("")}${random.either(["\r\n"], ["\n", "\r\r\n"], odd / 3)}${body}`;
}

function request(random: Random, odd: number): string {
  const method = random.either(methods, oddMethods, odd / 2);
  const target = random.either(targets, oddTargets, odd);
  const version = random.either(versions, oddVersions, odd);
  const space = random.either([" "], ["  ", "\t", "\xa0", ""], odd / 5);
  const end = random.either(["\r\n"], ["\n", "\r", "\r\r\n"], odd / 5);
  const lines = random.chance(odd / 3) ? [] : ["Host: a"];
  const before = random.either([""], ["\r\n", "\r\n\r\n", "\n", "\r", " ", "\0"], odd / 3);
  return `${before}${method}${space}${target} ${version}${end}${headersAndBody(random, lines, odd)}`;
}

/** Some requests in one connection, and one that is known behind them. */
export function generateRequests(random: Random): string {
  const odd = random.pick([0, 4, 10, 25]);
  let text = "";
  for (let count = random.below(3); count >= 0; count--) text += request(random, odd);
  if (random.chance(40)) text = mutate(random, text);
  return `${text}GET /marker HTTP/1.1\r\nHost: m\r\n\r\n`;
}

const statusLines = [
  "HTTP/1.1 200 OK",
  "HTTP/1.1 200 OK",
  "HTTP/1.1 404 Not Found",
  "HTTP/1.1 204 No Content",
  "HTTP/1.1 304 Not Modified",
  "HTTP/1.1 500 Internal Server Error",
  "HTTP/1.1 200",
  "HTTP/1.1 200 ",
] as const;
const oddStatusLines = [
  "HTTP/1.0 200 OK",
  "HTTP/1.1 101 Switching Protocols",
  "HTTP/1.1 205 Reset Content",
  "HTTP/1.1 099 a",
  "HTTP/1.1 999 a",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 2000 OK",
  "HTTP/1.1  200 OK",
  "HTTP/1.1 200\tOK",
  "HTTP/1.1 200OK",
  "HTTP/1.1 200 \xe9",
  "HTTP/1.1 200 a\x01",
  "HTTP/1.1 200 a\0",
  "HTTP/1.1 200 a\tb",
  "HTTP/1.1 200 a\x7f",
  "HTTP/1.2 200 OK",
  "HTTP/2.0 200 OK",
  "HTTP/0.9 200 OK",
  "http/1.1 200 OK",
  "ICY 200 OK",
  "HTTP/1.1 +20 OK",
  "\r\nHTTP/1.1 200 OK",
  " HTTP/1.1 200 OK",
] as const;
const interim = [
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n",
  "HTTP/1.1 102 \r\n\r\n",
  "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
] as const;
const oddInterim = [
  "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
  "HTTP/1.0 100 Continue\r\n\r\n",
  "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n",
  "HTTP/1.1 199\n\r\n",
] as const;

/** One answer, with interim ones before it and sometimes something behind it. */
export function generateResponse(random: Random): string {
  const odd = random.pick([0, 4, 10, 25]);
  let text = "";
  while (random.chance(15)) text += random.either(interim, oddInterim, odd);
  const line = random.either(statusLines, oddStatusLines, odd);
  const end = random.either(["\r\n"], ["\n", "\r", "\r\r\n"], odd / 5);
  text += `${line}${end}${headersAndBody(random, [], odd)}`;
  if (random.chance(odd)) text += "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  return random.chance(40) ? mutate(random, text) : text;
}

const specials = '\r\n\0\t :;,="\\\x0b\x0c\x1f\x7f\x80\x85\xa0\xffa5/.-_%?#@{}[]()';

/** A few changes at random places. */
function mutate(random: Random, text: string): string {
  let changed = text;
  for (let count = random.below(3); count >= 0; count--) {
    const at = random.below(changed.length + 1);
    const to = at + random.below(4);
    const special = specials.charAt(random.below(specials.length));
    const kind = random.below(5);
    if (kind === 0) changed = changed.slice(0, at) + special + changed.slice(at);
    else if (kind === 1) changed = changed.slice(0, at) + special + changed.slice(at + 1);
    else if (kind === 2) changed = changed.slice(0, at) + changed.slice(to);
    else if (kind === 3) changed = changed.slice(0, to) + changed.slice(at);
    else {
      const flipped = changed.charCodeAt(Math.min(at, changed.length - 1)) ^ (1 << random.below(8));
      changed = changed.slice(0, at) + String.fromCharCode(flipped & 0xff) + changed.slice(at + 1);
    }
  }
  return changed;
}
