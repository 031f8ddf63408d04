/** One target, started: its processes, where its log lines go, and how many of them there were. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import type { Peers } from "./peers.ts";
import { allowedRole, askedService, roleHeader } from "./policy.ts";
import { findSet, type Ports } from "./ports.ts";
import { measured, spawnOn } from "./processor.ts";
import type { Setting } from "./setting.ts";
import type { Program, Target } from "./targets.ts";

export interface Place {
  readonly peers: Peers;
  readonly setting: Setting;
  readonly folder: string;
  /** The application's. */
  readonly to: Ports;
}

export interface Instance {
  readonly target: Target;
  readonly ports: Ports;
  readonly pids: readonly number[];
  /** From before the first program was started until a request was answered. */
  readonly startMs: number;
  /** Ends it; resolves to how many lines it logged. */
  stop(): Promise<number>;
}

const startMs = 20_000;
const stopMs = 5000;

export async function startInstance(target: Target, place: Place): Promise<Instance> {
  const folder = mkdtempSync(join(place.folder, `${target.name}-`));
  const from = target.name === "direct" ? place.to : await findSet();
  const programs = await target.programs({ ...place, folder, from });
  const log = startLog(folder);
  const start = performance.now();
  const children = programs.map((program) => startProgram(program, folder, log.fd));
  closeSync(log.fd);
  const stop = async (): Promise<number> => {
    await Promise.all(children.map(end));
    return await log.lines;
  };
  try {
    await untilAnswered(from.plain, children);
  } catch (error) {
    await stop();
    const said = readFileSync(join(folder, "stderr"), "utf8").slice(-2000);
    throw new Error(`${target.title} does not start: ${String(error)}\n${said}`, { cause: error });
  }
  return {
    target,
    ports: from,
    pids: children.map(({ pid }) => pid ?? 0),
    startMs: performance.now() - start,
    stop,
  };
}

/**
 * A pipe, as containers have, and a reader that counts lines. Not one of Node's own: those are
 * sockets, which nginx cannot open as a file.
 */
function startLog(folder: string): { readonly fd: number; readonly lines: Promise<number> } {
  const path = join(folder, "log");
  execFileSync("mkfifo", [path]);
  const reader = spawn("wc", ["-l", path], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  reader.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const lines = once(reader, "close").then(() => Number.parseInt(text, 10));
  return { fd: openSync(path, "w"), lines };
}

function startProgram(program: Program, folder: string, log: number): ChildProcess {
  const errors = openSync(join(folder, "stderr"), "a");
  const child = spawnOn(measured, program.command, {
    env: { PATH: process.env["PATH"], ...program.env },
    stdio: ["ignore", log, program.logsToStderr ? log : errors],
  });
  closeSync(errors);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  // Not one that drains: what is measured has been measured.
  child.kill("SIGINT");
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
  await exited;
  clearTimeout(timer);
}

const pollMs = 1;

async function untilAnswered(port: number, children: readonly ChildProcess[]): Promise<void> {
  const deadline = performance.now() + startMs;
  for (;;) {
    if (await isAnswered(port)) return;
    const ended = children.find(({ exitCode }) => exitCode !== null);
    if (ended !== undefined) throw new Error(`it ended with ${ended.exitCode}`);
    if (performance.now() > deadline) throw new Error(`no request was answered in ${startMs} ms`);
    await elapse(pollMs);
  }
}

function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      {
        port,
        host: "127.0.0.1",
        path: `/api/${askedService}/item`,
        headers: { [roleHeader]: allowedRole },
        agent: false,
        timeout: 1000,
      },
      (response) => {
        response.resume().on("close", () => {
          resolve(response.statusCode === 200);
        });
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => {
      resolve(false);
    });
  });
}
