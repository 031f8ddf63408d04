/**
 * Our HTTP/1 codec against node:http's, each fed the same bytes: whatever ours accepts, node:http
 * accepts and understands alike. `HTTP1_FUZZ_RUNS` and `HTTP1_FUZZ_SEED` make it longer or other.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateRequests, generateResponse } from "./generator.ts";
import { findDisagreement, undecided } from "./judge.ts";
import { createClientReader, createServerReader, type NodeReader } from "./node-reader.ts";
import { type Reading, readRequests, readResponse, unfoldHeads } from "./own-reader.ts";
import { Random } from "./random.ts";

const runs = Number(process.env["HTTP1_FUZZ_RUNS"] ?? 6000);
const seed = Number(process.env["HTTP1_FUZZ_SEED"] ?? 20_261_121);
const lanes = 48;

let server: NodeReader;
let client: NodeReader;

beforeAll(async () => {
  server = await createServerReader();
  client = await createClientReader();
});

afterAll(() => {
  server.close();
  client.close();
});

interface Judged {
  readonly own: Reading;
  readonly other: Reading;
  readonly disagreement: string | null;
}

/** `read` is ours. */
async function judge(
  text: string,
  method: string,
  node: NodeReader,
  read: (bytes: Buffer) => Reading,
): Promise<Judged> {
  const bytes = Buffer.from(text, "latin1");
  const own = read(bytes);
  // Node refuses folded lines, which ours makes one line of in responses (RFC 9112, 5.2).
  const other = await node.read(node === client ? unfoldHeads(bytes, own) : bytes, method);
  let disagreement = findDisagreement(own, other);
  if (disagreement === undecided) {
    const ended = read(Buffer.from(`${text}\r\n\r\n`, "latin1"));
    if (ended.end === "malformed") disagreement = null;
  }
  return { own, other, disagreement };
}

function judgeRequests(text: string): Promise<Judged> {
  return judge(text, "", server, readRequests);
}

function judgeResponse(text: string, method = "GET"): Promise<Judged> {
  return judge(text, method, client, (bytes) => readResponse(bytes, method));
}

/** How often ours ended how, and what the two do not agree on. */
async function fuzz(
  next: (random: Random) => { text: string; judged: Promise<Judged> },
): Promise<{ ends: Record<Reading["end"], number>; disagreements: string[] }> {
  const random = new Random(seed);
  const ends = { clean: 0, partial: 0, closed: 0, malformed: 0, switched: 0 };
  const disagreements: string[] = [];
  let left = runs;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left--;
      const { text, judged } = next(random);
      const { own, other, disagreement } = await judged;
      ends[own.end]++;
      if (disagreement !== null) {
        const sides = `ours: ${own.problem}; node: ${other.problem}`;
        disagreements.push(`${disagreement} (${sides}): ${JSON.stringify(text)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { ends, disagreements };
}

describe("random messages", () => {
  const timeout = 60_000 + runs * 10;

  test(
    "requests: ours accepts nothing that node:http's server refuses or reads otherwise",
    async () => {
      const { ends, disagreements } = await fuzz((random) => {
        const text = generateRequests(random);
        return { text, judged: judgeRequests(text) };
      });
      expect(disagreements).toEqual([]);
      // It would say little if hardly anything were accepted.
      expect(ends.clean + ends.closed).toBeGreaterThan(runs / 5);
      expect(ends.malformed).toBeGreaterThan(runs / 5);
    },
    timeout,
  );

  test(
    "responses: ours accepts nothing that node:http's client refuses or reads otherwise",
    async () => {
      const { ends, disagreements } = await fuzz((random) => {
        const text = generateResponse(random);
        const method = random.pick(["GET", "GET", "HEAD", "POST"]);
        return { text, judged: judgeResponse(text, method) };
      });
      expect(disagreements).toEqual([]);
      expect(ends.closed).toBeGreaterThan(runs / 5);
      expect(ends.malformed).toBeGreaterThan(runs / 5);
    },
    timeout,
  );
});

const marker = "GET /marker HTTP/1.1\r\nHost: m\r\n\r\n";
const host = "Host: a\r\n";
const chunkedRequest = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
const chunkedResponse = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("what random messages have shown", () => {
  test.each<[name: string, end: Reading["end"], text: string]>([
    [
      "close in Proxy-Connection ends the connection",
      "closed",
      `GET / HTTP/1.1\r\n${host}Proxy-Connection: close\r\n\r\n${marker}`,
    ],
    [
      "a length in a trailer",
      "malformed",
      `${chunkedRequest}0\r\nContent-Length: 5\r\n\r\n${marker}`,
    ],
    [
      "an encoding in a trailer",
      "malformed",
      `${chunkedRequest}0\r\nTransfer-Encoding: chunked\r\n\r\n${marker}`,
    ],
    [
      "the end of the connection in a trailer",
      "malformed",
      `${chunkedRequest}0\r\nConnection: close\r\n\r\n${marker}`,
    ],
    [
      "the end of the connection for proxies in a trailer",
      "malformed",
      `${chunkedRequest}0\r\nProxy-Connection: close\r\n\r\n${marker}`,
    ],
    [
      "a fragment behind an authority",
      "malformed",
      `GET http://a#b HTTP/1.1\r\n${host}\r\n${marker}`,
    ],
    [
      "a request behind one that would upgrade: read by ours when it has answered",
      "closed",
      `GET / HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: a\r\n\r\n${marker}`,
    ],
    ["a line that cannot be a trailer", "malformed", `${chunkedRequest}0\r\n?\r\n${marker}`],
    ["a CR that ends nothing in trailers", "malformed", `${chunkedRequest}0\r\n\rX${marker}`],
    ["a bare line feed in an extension", "malformed", `${chunkedRequest}0;\n${marker}`],
  ])("requests: %s", async (_name, end, text) => {
    const { own, disagreement } = await judgeRequests(text);
    expect(disagreement).toBeNull();
    expect(own.end).toBe(end);
  });

  test.each<[name: string, end: Reading["end"], text: string]>([
    [
      "a fold of nothing at the end of a value",
      "malformed",
      "HTTP/1.1 200 OK\r\nX-A: b\r\n \r\nContent-Length: 0\r\n\r\n",
    ],
    [
      "an empty value with a fold of nothing",
      "malformed",
      "HTTP/1.1 200 OK\r\nX-A:\r\n \r\nContent-Length: 0\r\n\r\n",
    ],
    [
      "an interim response that ends the connection",
      "malformed",
      `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${answer}`,
    ],
    ["an interim response of HTTP/1.0", "malformed", `HTTP/1.0 100 Continue\r\n\r\n${answer}`],
    ["a length in a trailer", "malformed", `${chunkedResponse}0\r\nContent-Length: 5\r\n\r\n`],
    ["a blank that is no trailer", "malformed", `${chunkedResponse}0\r\n \r\n`],
    ["a CR that ends nothing in trailers", "malformed", `${chunkedResponse}0\r\n\rJ`],
    ["a body that begins with a blank", "closed", "HTTP/1.1 200 OK\r\n\r\n b\r\n c"],
  ])("responses: %s", async (_name, end, text) => {
    const { own, disagreement } = await judgeResponse(text);
    expect(disagreement).toBeNull();
    expect(own.end).toBe(end);
  });

  test("a folded line is one line to ours, as it is when it comes in one", async () => {
    const text = "HTTP/1.1 200 OK\r\nX-A: b\r\n\tc\r\nContent-Length: 2\r\n\r\nok";
    const { own, other, disagreement } = await judgeResponse(text);
    expect(disagreement).toBeNull();
    expect(own.messages).toEqual(other.messages);
    expect(own.messages[0]?.headers).toEqual(["X-A", "b c", "Content-Length", "2"]);
  });
});

test("a head at the limit of its size is read alike", async () => {
  const lines = Array.from({ length: 150 }, (_, i) => `X-${i}: ${"v".repeat(80)}\r\n`).join("");
  const { own, disagreement } = await judgeRequests(
    `GET / HTTP/1.1\r\n${host}${lines}\r\n${marker}`,
  );
  expect(disagreement).toBeNull();
  expect(own.messages).toHaveLength(2);
});

test("a judge that always agrees would be none", async () => {
  const text = `GET /a HTTP/1.1\r\n${host}\r\n${marker}`;
  const { own, other } = await judgeRequests(text);
  const [first, second] = own.messages;
  const changed = { ...own, messages: first === undefined ? [] : [{ ...first, body: "x" }] };
  expect(findDisagreement(own, other)).toBeNull();
  expect(findDisagreement(changed, other)).toBe("message 1 is understood differently");
  expect(findDisagreement({ ...own, messages: own.messages.slice(0, 1) }, other)).toBe(
    "ours finds fewer messages and refuses none",
  );
  expect(
    findDisagreement(
      { ...own, messages: [...own.messages, second ?? own.messages[0]].flatMap((m) => m ?? []) },
      other,
    ),
  ).toBe("message 3 is accepted by ours only");
});
