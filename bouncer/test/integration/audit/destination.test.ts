/** The program itself, with destinations of the operating system's making: a pipe that nobody reads, a file that must not grow. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { eventOf, fetchHead, listenOn } from "../proxy/harness.ts";
import { parseLine } from "./gate.ts";

const main = join(import.meta.dirname, "../../../src/main.ts");
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server);
  server.close();
  await once(server, "close");
  return port;
}

interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  readonly reached: () => number;
}

/** `bouncer serve` without a policy and with one degraded route, in front of an application. */
async function serve(command: readonly string[], env: Record<string, string>): Promise<Program> {
  let reached = 0;
  const app = createServer((_request, response) => {
    reached += 1;
    response.end("app");
  });
  const appPort = await listenOn(app);
  cleanups.push(() => {
    app.close();
    app.closeAllConnections();
  });
  const [port, adminPort] = [await freePort(), await freePort()];
  const [file, ...args] = [...command, process.execPath, main, "serve"];
  const child = spawn(file, args, {
    env: {
      LISTENERS: `${port}:${appPort}`,
      ADMIN_PORT: String(adminPort),
      POLICY_DIRECTORY: "/nonexistent",
      DEGRADED_ROUTES: "GET /open",
      AUDIT_LOG_DESTINATION: "stdout",
      LOG_DESTINATION: "stderr",
      AUDIT_MODE: "auditability",
      DRAIN_DELAY_SECONDS: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  cleanups.push(() => child.kill("SIGKILL"));
  await untilServing(child, adminPort);
  return { child, port, reached: () => reached };
}

/** Asks, because reading what it writes would be reading the pipe. */
async function untilServing(child: ChildProcess, adminPort: number): Promise<void> {
  for (;;) {
    const status = await fetchHead({ port: adminPort, path: "/health" }).then(
      (response) => response.resume().statusCode,
      () => null,
    );
    if (status === 200) return;
    if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`);
  }
}

/** Long enough that few of them fill a pipe. */
const padding = "x".repeat(8000);

async function ask(port: number, path: string) {
  const response = await fetchHead({ port, path, headers: { "X-Padding": padding } });
  response.resume();
  return [response.statusCode, response.headers["x-bouncer-reason"]];
}

test.each([
  ["alone in it", "stderr"],
  ["with the log, which is for the same reader", "stdout"],
])(
  "a pipe that nobody reads, %s: refused after a while, served again when somebody does",
  async (...row) => {
    const { child, port, reached } = await serve([], { LOG_DESTINATION: row[1] });
    const target = `/open?${"x".repeat(8000)}`;
    let answers = 0;
    let last = await ask(port, target);
    while (last[0] === 200 && answers < 100) {
      answers += 1;
      last = await ask(port, target);
    }
    expect(last).toEqual([503, "audit_unavailable"]);
    expect(reached()).toBe(answers);
    // The program is alive: only the pipe is full. Now it does not wait any more.
    expect(await ask(port, target)).toEqual([503, "audit_unavailable"]);
    const lines: string[] = [];
    const { stdout } = child;
    if (stdout === null) throw new Error("no stdout");
    createInterface(stdout).on("line", (line) => lines.push(line));
    let again = await ask(port, target);
    while (again[0] !== 200) again = await ask(port, target);
    const closed = eventOf(child, "close");
    child.kill("SIGTERM");
    expect(await closed).toEqual([0, null]);
    const records = lines.map(parseLine).filter((one) => one["level"] === undefined);
    const sequence = records.map((one) => one["sequence"]);
    expect(sequence).toEqual(sequence.map((_one, i) => i + 1));
  },
);

test("a file that takes no more: refused, and every line in it is whole", async () => {
  const directory = await mkdtemp(join(tmpdir(), "destination-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  const file = join(directory, "audit.log");
  const limit = ["bash", "-c", 'ulimit -f 8 && exec "$@"', "bash"];
  const env = { AUDIT_LOG_DESTINATION: "file", AUDIT_LOG_FILE: file };
  const { port, reached } = await serve(limit, env);
  let passed = 0;
  let last = await ask(port, "/open");
  while (last[0] === 200 && passed < 100) {
    passed += 1;
    last = await ask(port, "/open");
  }
  expect(last).toEqual([503, "audit_unavailable"]);
  expect(reached()).toBe(passed);
  const records = (await readFile(file, "utf8")).trimEnd().split("\n").map(parseLine);
  const decisions = records.filter((one) => one["phase"] === "decision");
  expect(decisions.length).toBe(passed);
  expect(decisions[0]).toMatchObject({ degraded: true, let_through: "no_policy" });
});
