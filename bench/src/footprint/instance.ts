/** One process: the bouncer as a pod runs it, or Node with nothing in it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { buildRequest } from "../policy/policy.ts";
import { askUntilAnswered } from "./ask.ts";

export interface Instance extends AsyncDisposable {
  readonly pid: number;
  /** From the start of the process, milliseconds. */
  readonly readyMs: number;
  readonly answeredMs: number;
}

export interface Program {
  readonly node: string;
  readonly flags: readonly string[];
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Surroundings {
  /** Holds `bundle.tar.gz`. */
  readonly policies: string;
  readonly targetPort: number;
}

const patienceMs = 20_000;
const ready = { target: "/ready", rawHeaders: ["Host", "localhost"] };

async function findPorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

function start(
  program: Program,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const child = spawn(program.node, [...program.flags, ...args], {
    env: { ...program.environment, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Somebody takes the records, as the kubelet does.
  child.stdout.resume();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Resolves after its first answer to a request. */
export async function startBouncer(program: Program, around: Surroundings): Promise<Instance> {
  const [port = 0, adminPort = 0] = await findPorts(2);
  const startedAt = performance.now();
  const child = start(program, [program.file, "serve"], {
    LISTENERS: `${port}:${around.targetPort}`,
    ADMIN_PORT: String(adminPort),
    POLICY_DIRECTORY: around.policies,
    LOG_LEVEL: "warn",
  });
  try {
    const deadline = startedAt + patienceMs;
    const [readyAt, answeredAt] = await Promise.all([
      askUntilAnswered(adminPort, ready, deadline),
      askUntilAnswered(port, buildRequest(true), deadline),
    ]);
    return {
      pid: child.pid ?? 0,
      readyMs: readyAt - startedAt,
      answeredMs: answeredAt - startedAt,
      [Symbol.asyncDispose]: () => end(child),
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** The least that any program on Node takes: it listens, and answers without looking. */
const bare = `require("node:net").createServer((socket) => {
  socket.on("error", () => {}).once("data", () => socket.end("HTTP/1.1 200 OK\\r\\n\\r\\n"));
}).listen(Number(process.argv[1]));`;

export async function startBare(program: Program): Promise<Instance> {
  const [port = 0] = await findPorts(1);
  const startedAt = performance.now();
  const child = start(program, ["-e", bare, String(port)], {});
  try {
    const answeredAt = await askUntilAnswered(port, ready, startedAt + patienceMs);
    const ms = answeredAt - startedAt;
    const dispose = () => end(child);
    return { pid: child.pid ?? 0, readyMs: ms, answeredMs: ms, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await end(child);
    throw error;
  }
}
