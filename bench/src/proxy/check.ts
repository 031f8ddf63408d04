/**
 * One request before any load: is it answered as it must be? Load generators count statuses; here
 * every byte is looked at, the trailers of gRPC and the refusals of those that refuse.
 */
import { once } from "node:events";
import { request } from "node:http";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { buildMessage } from "./generators.ts";
import type { Instance } from "./instance.ts";
import { isRefused, type Load } from "./loads.ts";
import { roleHeader } from "./policy.ts";

const timeoutMs = 5000;

export async function checkAnswer(load: Load, instance: Instance): Promise<void> {
  const port = instance.ports[load.port];
  if (load.kind === "h2load") {
    await checkUnary(load, port);
    return;
  }
  // Every frame that the generator of this repository gets is compared there.
  if (load.kind === "own" && load.isWebSocket) return;
  const method = load.kind === "wrk" ? load.method : "GET";
  const { status, length } = await ask(load, method, port);
  const expected = isRefused(load, instance.target.decides) ? 403 : 200;
  if (status !== expected) throw new Error(`answered ${status} instead of ${expected}`);
  if (status === 200 && length !== load.received) {
    throw new Error(`answered with ${length} bytes instead of ${load.received}`);
  }
}

async function ask(
  { path, role, sent }: Load,
  method: string,
  port: number,
): Promise<{ readonly status: number; readonly length: number }> {
  const outgoing = request({
    host: "127.0.0.1",
    port,
    method,
    path,
    agent: false,
    timeout: timeoutMs,
    headers: { [roleHeader]: role, ...(sent > 0 ? { "content-length": sent } : {}) },
  });
  outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)));
  outgoing.end(Buffer.alloc(sent, "x"));
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; length: number }>();
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    let length = 0;
    incoming
      .on("data", (chunk: Buffer) => {
        length += chunk.length;
      })
      .on("end", () => {
        resolve({ status: incoming.statusCode ?? 0, length });
      })
      .on("error", reject);
  });
  return await promise;
}

async function checkUnary({ path, role, sent }: Load, port: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  const failed = new Promise<never>((_resolve, reject) => {
    session.on("error", reject);
  });
  try {
    await Promise.race([failed, once(session, "connect")]);
    session.setTimeout(timeoutMs, () => {
      session.destroy(new Error(`no answer in ${timeoutMs} ms`));
    });
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      [roleHeader]: role,
    });
    const message = buildMessage(sent);
    let status: unknown = null;
    let grpcStatus: unknown = null;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => {
      status = headers[":status"];
    });
    stream.on("trailers", (headers: IncomingHttpHeaders) => {
      grpcStatus = headers["grpc-status"];
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.end(message);
    await Promise.race([failed, once(stream, "end")]);
    if (status !== 200) throw new Error(`answered ${String(status)} instead of 200`);
    if (!Buffer.concat(chunks).equals(message)) throw new Error("another message came back");
    if (grpcStatus !== "0") throw new Error("no trailers with a grpc-status of 0 came");
  } finally {
    session.destroy();
  }
}
