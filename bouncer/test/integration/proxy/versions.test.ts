/** Clients and applications that speak different versions, or whose answers have no body. */
import { createServer } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { type Bench, type BenchOptions, createBench, deny, sendRaw } from "./harness.ts";

const open: Bench[] = [];

async function bench(options?: BenchOptions): Promise<Bench> {
  const made = await createBench(options);
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const call = (more = "") =>
  `POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n${more}\r\n`;

test("a refused gRPC call of HTTP/1.1 ends with its head, and the connection goes on", async () => {
  const { port } = await bench({ decide: () => deny });
  const text = await sendRaw(port, call() + call("Connection: close\r\n"));
  const answers = text.split("HTTP/1.1 200 OK\r\n").slice(1);
  expect(answers).toHaveLength(2);
  for (const answer of answers) {
    expect(answer).toContain("\r\nContent-Length: 0\r\n");
    expect(answer.split("\r\n\r\n")).toEqual([expect.any(String), ""]);
  }
});

test.each([
  ["POST", 200, true],
  ["HEAD", 200, false],
  ["GET", 204, false],
  ["GET", 304, false],
] as const)(
  "%s: an answer of HTTP/2 with %i that ends with its head ends so in HTTP/1.1",
  async (method, status, isSaid) => {
    const app = createServer();
    app.on("stream", (stream) => {
      stream.respond({ ":status": status, "grpc-status": "12" }, { endStream: true });
    });
    const { port } = await bench({ app, protocol: "h2c" });
    const ask = (more = "") => `${method} /a HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    const text = await sendRaw(port, ask() + ask("Connection: close\r\n"));
    expect(text.match(/grpc-status: 12/g)).toHaveLength(2);
    expect(text.match(/Content-Length: 0/g) ?? []).toHaveLength(isSaid ? 2 : 0);
    expect(text).not.toContain("chunked");
  },
);
