/** What a target costs while nothing is asked of it, and how long it takes to be there. */
import { setTimeout as elapse } from "node:timers/promises";
import { openSession } from "./generators.ts";
import { type Instance, type Place, startInstance } from "./instance.ts";
import { idleLoad } from "./loads.ts";
import { medianOf, type Spread, spreadOf } from "./statistics.ts";
import type { Target } from "./targets.ts";
import { memoryOf, pssOf } from "./tree.ts";

/** MiB. */
export interface Standing {
  readonly target: string;
  /** From before the process was started until a request was answered. */
  readonly startMs: Spread;
  readonly rss: number;
  /** Of one of three instances that are there at the same time. */
  readonly pss: number;
}

export interface Idle {
  readonly target: string;
  readonly connections: number;
  readonly rss: number;
  readonly peak: number;
}

export const idleTargets = idleLoad.targets;
const together = 3;
/** What a program does right after it began to serve is over. */
const settleMs = 1500;

/** Nothing else may run: what others share with it would count for less. */
export async function measureStanding(
  target: Target,
  place: Place,
  starts: number,
): Promise<Standing> {
  const startsMs: number[] = [];
  for (let start = together; start < starts; start += 1) {
    const instance = await startInstance(target, place);
    startsMs.push(instance.startMs);
    await instance.stop();
  }
  const instances: Instance[] = [];
  try {
    for (let start = 0; start < together; start += 1) {
      instances.push(await startInstance(target, place));
    }
    await elapse(settleMs);
    return {
      target: target.name,
      startMs: spreadOf([...startsMs, ...instances.map((instance) => instance.startMs)]),
      rss: medianOf(instances.map(({ pids }) => memoryOf(pids).rss)),
      pss: medianOf(instances.map(({ pids }) => pssOf(pids))),
    };
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
  }
}

/** Each connection has one request, then nothing. */
export async function measureIdle(target: Target, place: Place): Promise<Idle> {
  const instance = await startInstance(target, place);
  try {
    const { connections } = idleLoad;
    const aim = { peers: place.peers, folder: place.folder, ports: instance.ports };
    const extent = { "-seconds": 60, "-requests": connections };
    await using session = await openSession(idleLoad, aim, extent);
    const { requests } = await session.run();
    if (requests !== connections) throw new Error(`${requests} of ${connections} were answered`);
    await elapse(settleMs);
    const { rss, peak } = memoryOf(instance.pids);
    return { target: target.name, connections, rss, peak };
  } finally {
    await instance.stop();
  }
}
