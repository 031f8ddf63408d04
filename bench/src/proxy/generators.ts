/** Runs a load on a target, by whichever generator the load is for. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Load, OwnLoad } from "./loads.ts";
import { buildWrkScript, type Outcome, readH2load, readOwn, readWrk } from "./outcome.ts";
import type { Peers } from "./peers.ts";
import { allowedRole, roleHeader } from "./policy.ts";
import type { Ports } from "./ports.ts";

const execute = promisify(execFile);

export interface Aim {
  readonly peers: Peers;
  readonly folder: string;
  readonly ports: Ports;
}

/** What is to be read right before the first request and right after the last answer. */
export interface Observer {
  before(): void;
  after(): void;
}

/** Far beyond any run, so that nothing waits for ever. */
const graceSeconds = 30;

let runs = 0;

export async function runLoad(
  load: Load,
  seconds: number,
  aim: Aim,
  observer: Observer,
): Promise<Outcome> {
  if (load.kind === "own") {
    await using session = await openSession(load, aim, { "-seconds": seconds });
    observer.before();
    const outcome = await session.run();
    observer.after();
    return outcome;
  }
  const [program = "", ...args] = commandOf(load, seconds, aim);
  observer.before();
  const { stdout } = await execute(program, args, { timeout: (seconds + graceSeconds) * 1000 });
  observer.after();
  return load.kind === "wrk" ? readWrk(stdout) : readH2load(stdout);
}

function commandOf(
  load: Exclude<Load, OwnLoad>,
  seconds: number,
  { peers, folder, ports }: Aim,
): readonly string[] {
  const url = `http://127.0.0.1:${ports[load.port]}${load.path}`;
  const connections = `-c${load.connections}`;
  if (load.kind === "wrk") {
    runs += 1;
    const script = join(folder, "wrk.lua");
    writeFileSync(script, buildWrkScript(load, runs));
    const timing = [`-d${seconds}s`, "--timeout", "10s"];
    return [peers.programs.wrk, "-t1", connections, ...timing, "-s", script, url];
  }
  const body = join(folder, "message");
  writeFileSync(body, buildMessage(load.sent));
  const headers = [
    `${roleHeader}: ${allowedRole}`,
    "content-type: application/grpc",
    "te: trailers",
  ];
  const sent = ["-d", body, ...headers.flatMap((header) => ["-H", header])];
  return [peers.programs.h2load, connections, `-m${load.streams}`, `-D${seconds}`, ...sent, url];
}

/** One message of gRPC: not compressed, its length in four bytes, itself. */
export function buildMessage(bytes: number): Uint8Array {
  const message = Buffer.alloc(bytes, "m");
  message.writeUInt8(0, 0);
  message.writeUInt32BE(bytes - 5, 1);
  return message;
}

export interface Session extends AsyncDisposable {
  /** Resolves when the last answer came; the connections stay open until the session is disposed. */
  run(): Promise<Outcome>;
}

/** What ends a run. */
export interface SessionExtent {
  readonly "-seconds": number;
  readonly "-requests"?: number;
}

/** Resolves when all connections are open. */
export async function openSession(
  load: OwnLoad,
  { peers, ports }: Aim,
  extent: SessionExtent,
): Promise<Session> {
  const options = {
    "-port": ports[load.port],
    "-path": load.path,
    "-role": load.role,
    "-connections": load.connections,
    "-in-flight": load.inFlight,
    "-bytes": load.received,
    "-rate": load.rate ?? 0,
    ...extent,
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  const args = load.isWebSocket ? ["-websocket", ...flags] : flags;
  const child = spawn(peers.programs.generator, args, { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readLine = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the generator ended: ${complaint.trim()}`);
    return line.value;
  };
  await readLine();
  return {
    run: async () => {
      child.stdin.write("go\n");
      return readOwn(await readLine());
    },
    [Symbol.asyncDispose]: async () => {
      await endOf(child);
    },
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.stdin?.end("\n");
  const timer = setTimeout(() => child.kill("SIGKILL"), graceSeconds * 1000);
  await exited;
  clearTimeout(timer);
}
