/** The same question to `opa`: its evaluator in Go, and its server over REST; and to a bare server. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { memoryMiB } from "../process.ts";
import { entrypoint } from "./policy.ts";
import type { Setting } from "./setting.ts";

const run = promisify(execFile);

/** Latencies in microseconds. */
export interface GoEvaluation {
  readonly p50: number;
  readonly p99: number;
}

/** `opa bench`: the evaluation alone, without what is around it. */
export async function benchOpa(setting: Setting, input: string): Promise<GoEvaluation> {
  const file = join(setting.folder, "input.json");
  writeFileSync(file, input);
  const query = `data.${entrypoint.replaceAll("/", ".")}`;
  const { stdout } = await run(
    "opa",
    ["bench", "--format", "json", "--data", setting.sources, "--input", file, query],
    { maxBuffer: 2 ** 26 },
  );
  const result = JSON.parse(stdout) as { readonly Extra: Readonly<Record<string, number>> };
  const read = (name: string): number =>
    (result.Extra[`histogram_timer_rego_query_eval_ns_${name}`] ?? Number.NaN) / 1000;
  return { p50: read("median"), p99: read("99%") };
}

export interface Server extends AsyncDisposable {
  readonly url: string;
  /** Of the server's process; null for one in a process of ours. */
  memoryMiB(): number | null;
}

async function findPort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** `opa run --server`, as a sidecar would run it. */
export async function startOpa(setting: Setting): Promise<Server> {
  const origin = `http://127.0.0.1:${await findPort()}`;
  const args = ["run", "--server", "--log-level", "error", "--addr", origin.slice(7)];
  const child = spawn("opa", [...args, setting.sources], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  const deadline = performance.now() + 30_000;
  // It says nowhere when it listens.
  while (!(await answers(`${origin}/health`))) {
    if (performance.now() > deadline) throw new Error("opa run does not answer");
  }
  return {
    url: `${origin}/v1/data/${entrypoint}`,
    memoryMiB: () => memoryMiB(child.pid ?? 0).rss,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    return false;
  }
}

/** What a call over the loopback takes at least: it reads the question and answers the same each time. */
export async function startFloor(answer: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume().on("end", () => {
      outgoing.setHeader("content-type", "application/json").end(answer);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    memoryMiB: () => null,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** One connection, one question after the other: latencies in microseconds, and the last answer. */
export async function askOften(
  { url }: Server,
  input: string,
  count: number,
): Promise<{ readonly latenciesUs: readonly number[]; readonly answer: string }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = `{"input":${input}}`;
  const latenciesUs: number[] = [];
  let answer = "";
  for (let asked = 0; asked < count; asked += 1) {
    const start = performance.now();
    answer = await post(url, body, agent);
    latenciesUs.push((performance.now() - start) * 1000);
  }
  agent.destroy();
  return { latenciesUs, answer };
}

async function post(url: string, body: string, agent: Agent): Promise<string> {
  const outgoing = request(url, {
    method: "POST",
    agent,
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
  });
  outgoing.end(body);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  outgoing.on("error", reject).on("response", (incoming) => {
    let text = "";
    incoming
      .setEncoding("utf8")
      .on("data", (chunk: string) => {
        text += chunk;
      })
      .on("end", () => {
        resolve(text);
      })
      .on("error", reject);
  });
  return await promise;
}
