/**
 * Two real network namespaces joined by a cable (veth): "app", a pod's, and "peer", somebody else.
 * Names carry the pid of the test run, so that what an aborted run left is known and removed.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const appAddress = { ipv4: "192.0.2.1", ipv6: "2001:db8::1" } as const;
export const peerAddress = { ipv4: "192.0.2.2", ipv6: "2001:db8::2" } as const;

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What a connection came to: what the other side said, or how it failed. */
export type Outcome = string;

export interface Side {
  readonly namespace: string;
  /** Answers connections and datagrams; resolves when it does. */
  serve(services: readonly { readonly target: Target; readonly says: string }[]): Promise<void>;
  connect(targets: readonly Target[]): Outcome[];
  sendDatagram(target: Target): Outcome;
  run(program: string, ...args: readonly string[]): string;
}

export interface Network {
  readonly app: Side;
  readonly peer: Side;
  close(): Promise<void>;
}

const prefix = "bouncer-test-";

export function createNetwork(): Network {
  requireTools();
  removeStale();
  const names = { app: `${prefix}${process.pid}-app`, peer: `${prefix}${process.pid}-peer` };
  const children: ChildProcess[] = [];
  for (const name of Object.values(names)) execute("ip", "netns", "add", name);
  execute(
    "ip",
    "link",
    "add",
    "eth0",
    "netns",
    names.app,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    names.peer,
  );
  configure(names.app, appAddress);
  configure(names.peer, peerAddress);
  return {
    app: createSide(names.app, children),
    peer: createSide(names.peer, children),
    async close() {
      const ended = children
        .filter((child) => child.exitCode === null)
        .map((child) => once(child, "exit"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ended);
      for (const name of Object.values(names)) execute("ip", "netns", "delete", name);
    },
  };
}

function requireTools(): void {
  const tools = ["ip", "setpriv", "iptables-nft-restore", "ip6tables-nft-restore"];
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  if (missing.length === 0 && process.getuid?.() === 0) return;
  throw new Error(
    `Cannot test the redirect: it needs root, and ${missing.join(", ") || "all programs are there"}: make integration takes care of both`,
  );
}

/** Namespaces of test runs that are over. */
function removeStale(): void {
  for (const line of execute("ip", "netns", "list").split("\n")) {
    const name = line.split(" ", 1)[0] ?? "";
    const pid = new RegExp(`^${prefix}([0-9]+)-`).exec(name)?.[1];
    if (pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)))) {
      execute("ip", "netns", "delete", name);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function configure(namespace: string, address: { ipv4: string; ipv6: string }): void {
  const ip = (...args: readonly string[]): string => execute("ip", "-netns", namespace, ...args);
  ip("addr", "add", `${address.ipv4}/24`, "dev", "eth0");
  // Duplicate address detection would keep the address unusable for a second.
  ip("addr", "add", `${address.ipv6}/64`, "dev", "eth0", "nodad");
  ip("link", "set", "lo", "up");
  ip("link", "set", "eth0", "up");
}

function createSide(namespace: string, children: ChildProcess[]): Side {
  const run = (...command: readonly string[]): string =>
    execute("ip", "netns", "exec", namespace, ...command);
  const runTestProgram = (name: string, ...args: readonly string[]): string =>
    run(process.execPath, testProgram(name), ...args);
  return {
    namespace,
    async serve(services) {
      const args = services.map(({ target, says }) => `${formatTarget(target)} ${says}`);
      const command = [process.execPath, testProgram("serve.ts"), ...args];
      const child = spawn("ip", ["netns", "exec", namespace, ...command], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.push(child);
      for await (const line of createInterface(child.stdout)) {
        if (line === "listening") return;
      }
      throw new Error(`Cannot serve in ${namespace}: the servers ended`);
    },
    connect: (targets) => runTestProgram("connect.ts", ...targets.map(formatTarget)).split("\n"),
    sendDatagram: (target) => runTestProgram("datagram.ts", formatTarget(target)),
    run,
  };
}

export function testProgram(name: string): string {
  return join(import.meta.dirname, "programs", name);
}

function formatTarget({ host, port }: Target): string {
  return `${host} ${port}`;
}

function execute(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status === 0) return stdout;
  throw new Error(`Cannot run "${program} ${args.join(" ")}": ${error?.message ?? stderr}`);
}
