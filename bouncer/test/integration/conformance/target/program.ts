/** Proxies of others: programs with a file, started on ports that are free just now. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Running, Target } from "../row.ts";

export interface Program {
  readonly path: string;
  readonly version: string;
}

const script = fileURLToPath(new URL("../../../../../bench/peers/install.sh", import.meta.url));

/** Installs what is missing. Throws with what to do where that cannot be done. */
export function findPrograms(names: readonly string[]): ReadonlyMap<string, Program> {
  const lines = execFileSync(script, names, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const found = new Map<string, Program>();
  for (const line of lines.trim().split("\n")) {
    const [name = "", path = "", version = ""] = line.split("\t");
    found.set(name, { path, version });
  }
  return found;
}

/** One of its listeners, and where it leads. */
export interface Passage {
  readonly from: number;
  readonly to: number;
}

export interface ProgramTarget {
  readonly name: string;
  readonly program: Program;
  /** The text of its file; `folder`: where it may write. */
  readonly configure: (passages: readonly Passage[], folder: string) => string;
  readonly args: (file: string) => readonly string[];
}

async function findPorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Ports may be taken between finding and using them: then another try finds others. */
const attempts = 3;

async function startProgram(target: ProgramTarget, appPorts: readonly number[]): Promise<Running> {
  for (let attempt = 1; ; attempt++) {
    const running = await tryStart(target, appPorts);
    if (typeof running !== "string") return running;
    if (attempt === attempts) throw new Error(`${target.name} does not start: ${running}`);
  }
}

async function tryStart(
  { configure, args, program }: ProgramTarget,
  appPorts: readonly number[],
): Promise<Running | string> {
  const ports = await findPorts(appPorts.length);
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  const file = join(folder, "configuration");
  const passages = appPorts.map((to, i) => ({ from: ports[i] ?? 0, to }));
  await writeFile(file, configure(passages, folder));
  const child = spawn(program.path, args(file), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const exited = once(child, "exit");
  for (const port of ports) {
    while (child.exitCode === null && !(await accepts(port))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  if (child.exitCode !== null) {
    await rm(folder, { recursive: true });
    return said;
  }
  return {
    ports,
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** They are set up in one way: see the row's setting. */
export function createProgramTarget(from: ProgramTarget): Target {
  return { name: from.name, settings: ["plain"], start: (ports) => startProgram(from, ports) };
}
