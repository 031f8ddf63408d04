/** Simulated bouncers in a process of their own, and what they say. */
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { FleetNews, FleetOrder } from "./fleet.ts";

const patienceMs = 180_000;

const ignore = (): void => undefined;

export function startFleet(order: FleetOrder) {
  const child = fork(fileURLToPath(new URL("./fleet.ts", import.meta.url)));
  const enforced = new Map<number, string>();
  let look: (at: number) => void = ignore;
  child.on("message", ({ index, sha256, at }: FleetNews) => {
    enforced.set(index, sha256);
    look(at);
  });
  child.send(order);
  const countOf = (bytes: Uint8Array): number => {
    const wanted = createHash("sha256").update(bytes).digest("hex");
    return [...enforced.values()].filter((sha256) => sha256 === wanted).length;
  };
  /** Resolves with the time at which so many have it, or when patience ends. */
  const until = (bytes: Uint8Array, count: number): Promise<number> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(Date.now()), patienceMs);
      look = (at) => {
        if (countOf(bytes) < count) return;
        clearTimeout(timer);
        look = ignore;
        resolve(at);
      };
      look(Date.now());
    });
  return {
    all: (bytes: Uint8Array) => until(bytes, order.count),
    some: (bytes: Uint8Array) => until(bytes, 1),
    without: (bytes: Uint8Array) => order.count - countOf(bytes),
    close: () => child.disconnect(),
  };
}
