/** What is behind every target: nginx for what is asked for by GET, our own server for the rest. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { buildApplication } from "./configuration/nginx.ts";
import type { Peers } from "./peers.ts";
import { findSet, type Ports } from "./ports.ts";

export const bigBytes = 1024 ** 2;

export interface Application {
  readonly ports: Ports;
  close(): Promise<void>;
}

const start = (command: string, args: readonly string[]): ChildProcess =>
  spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });

export async function startApplication(peers: Peers, parent: string): Promise<Application> {
  const folder = join(parent, "application");
  mkdirSync(folder);
  const ports = await findSet();
  const bigFile = join(folder, "big");
  writeFileSync(bigFile, Buffer.alloc(bigBytes, "0123456789abcdef"));
  const configuration = join(folder, "nginx.conf");
  writeFileSync(configuration, buildApplication(ports.plain, folder, bigFile));
  const addresses = [ports.sink, ports.grpc].map((port) => `127.0.0.1:${port}`).join(",");
  const children = [
    start(peers.programs.nginx, ["-p", folder, "-c", configuration]),
    start(peers.programs.server, ["-listen", addresses]),
  ];
  await Promise.all(Object.values(ports).map(untilAccepted));
  return {
    ports,
    close: async () => {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null) return;
          const exited = once(child, "exit");
          child.kill();
          await exited;
        }),
      );
    },
  };
}

async function untilAccepted(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      await elapse(20);
    } finally {
      socket.destroy();
    }
  }
  throw new Error("Cannot measure: the application does not start");
}
