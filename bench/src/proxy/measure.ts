/** What is measured, in which order: targets take turns, so that what disturbs one disturbs all. */
import { checkAnswer } from "./check.ts";
import { type Aim, runLoad } from "./generators.ts";
import { type Instance, type Place, startInstance } from "./instance.ts";
import type { Load } from "./loads.ts";
import { busySeconds } from "./processor.ts";
import { countWork, findProblems, nothing } from "./outcome.ts";
import { medianOf, percentileOf, type Spread, spreadOf } from "./statistics.ts";
import type { Target } from "./targets.ts";
import { cpuOf, memoryOf, resetPeak } from "./tree.ts";

export interface Extent {
  readonly rounds: number;
  /** Of one round of one target; wrk takes whole seconds. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Of each target, before its first load: some compile what is used often. */
  readonly firstWarmUpSeconds: number;
}

export interface Latency {
  readonly p50: Spread;
  readonly p95: Spread;
  readonly p99: Spread;
}

/** One target under one load. */
export interface Cell {
  readonly load: string;
  readonly target: string;
  /** User and system time of all of the target's processes, in seconds for 10,000 requests. */
  readonly cpu: Spread;
  readonly perSecond: Spread;
  /** The highest of all rounds, in MiB. */
  readonly peakMiB: number;
  /** Share of the target's processor that others took: what disturbed the measurement. */
  readonly others: number;
  /** Of loads at a fixed rate, in milliseconds. */
  readonly latency: Latency | null;
}

export interface Failure {
  readonly load: string;
  readonly target: string;
  readonly problem: string;
}

/** Lines that a target logged, and requests that it got meanwhile. */
export interface Logged {
  readonly target: string;
  readonly requests: number;
  readonly lines: number;
}

export interface Measured {
  readonly cells: readonly Cell[];
  readonly failures: readonly Failure[];
  readonly logged: readonly Logged[];
}

interface Sample {
  readonly cpu: number;
  readonly perSecond: number;
  readonly peakMiB: number;
  readonly others: number;
  readonly latenciesMs: readonly number[];
}

export interface Plan {
  readonly loads: readonly Load[];
  readonly targets: readonly Target[];
  readonly extent: Extent;
  readonly tell: (line: string) => void;
}

export async function measureLoads(plan: Plan, place: Place): Promise<Measured> {
  const { loads, targets, tell } = plan;
  const used = targets.filter(({ name }) => loads.some((load) => load.targets.includes(name)));
  const instances: Instance[] = [];
  const asked = new Map<string, number>();
  const cells: Cell[] = [];
  const failures: Failure[] = [];
  const logged: Logged[] = [];
  try {
    for (const target of used) instances.push(await startInstance(target, place));
    for (const load of loads) {
      tell(load.title);
      const result = await measureLoad(load, { plan, place, instances, asked });
      cells.push(...result.cells);
      failures.push(...result.failures);
      for (const { target, problem } of result.failures) tell(`  ${target}: ${problem}`);
    }
  } finally {
    const stopped = await Promise.all(
      instances.map(async (one) => [one, await one.stop()] as const),
    );
    for (const [{ target }, lines] of stopped) {
      const requests = asked.get(target.name) ?? 0;
      if (target.logs) logged.push({ target: target.name, requests, lines });
    }
  }
  return { cells, failures, logged };
}

interface Running {
  readonly plan: Plan;
  readonly place: Place;
  readonly instances: readonly Instance[];
  /** Requests by target. */
  readonly asked: Map<string, number>;
}

async function measureLoad(
  load: Load,
  running: Running,
): Promise<{ readonly cells: readonly Cell[]; readonly failures: readonly Failure[] }> {
  const { rounds, seconds, warmUpSeconds, firstWarmUpSeconds } = running.plan.extent;
  const failures: Failure[] = [];
  const samples = new Map<Instance, Sample[]>();
  const attempt = async (instance: Instance, work: () => Promise<void>): Promise<void> => {
    if (failures.some(({ target }) => target === instance.target.name)) return;
    try {
      await work();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      failures.push({ load: load.name, target: instance.target.name, problem });
    }
  };
  const taking = running.instances.filter(({ target }) => load.targets.includes(target.name));
  for (const instance of taking) {
    await attempt(instance, async () => {
      await checkAnswer(load, instance);
      const isFirst = !running.asked.has(instance.target.name);
      await sample(load, isFirst ? firstWarmUpSeconds : warmUpSeconds, instance, running);
    });
  }
  for (let round = 0; round < rounds; round += 1) {
    // Nobody always comes after the same other one.
    const turn = round % Math.max(taking.length, 1);
    for (const instance of [...taking.slice(turn), ...taking.slice(0, turn)]) {
      await attempt(instance, async () => {
        const taken = samples.get(instance) ?? [];
        samples.set(instance, [...taken, await sample(load, seconds, instance, running)]);
      });
    }
  }
  const failed = new Set(failures.map(({ target }) => target));
  const cells = [...samples]
    .filter(([{ target }]) => !failed.has(target.name))
    .map(([{ target }, taken]) => summarize(load, target.name, taken));
  return { cells, failures };
}

/** Where the machine stood still, a second time; an answer that is wrong is wrong the first time. */
async function sample(
  load: Load,
  seconds: number,
  instance: Instance,
  running: Running,
): Promise<Sample> {
  try {
    return await sampleOnce(load, seconds, instance, running);
  } catch (error) {
    if (!(error instanceof Error) || error.message !== nothing) throw error;
    running.plan.tell(`  ${instance.target.name}: ${nothing}, once more`);
    return await sampleOnce(load, seconds, instance, running);
  }
}

async function sampleOnce(
  load: Load,
  seconds: number,
  { target, ports, pids }: Instance,
  { place, asked }: Running,
): Promise<Sample> {
  const aim: Aim = { peers: place.peers, folder: place.folder, ports };
  let before = { cpu: 0, busy: 0, at: 0 };
  let after = before;
  const read = () => ({ cpu: cpuOf(pids), busy: busySeconds(), at: performance.now() / 1000 });
  resetPeak(pids);
  const outcome = await runLoad(load, seconds * (load.longer ?? 1), aim, {
    before: () => {
      before = read();
    },
    after: () => {
      after = read();
    },
  });
  // A WebSocket is one request, however much is said on it.
  const logged = load.kind === "own" && load.isWebSocket ? load.connections : outcome.requests;
  asked.set(target.name, (asked.get(target.name) ?? 0) + logged);
  const problems = findProblems(load, outcome, target.decides);
  if (problems.length > 0) throw new Error(problems.join("; "));
  const work = countWork(load, outcome);
  const cpu = after.cpu - before.cpu;
  const foreign = after.busy - before.busy - cpu;
  return {
    cpu: (cpu / work) * 10_000,
    perSecond: work / outcome.seconds,
    peakMiB: memoryOf(pids).peak,
    others: Math.max(0, foreign / (after.at - before.at)),
    latenciesMs: outcome.latenciesMs,
  };
}

function summarize(load: Load, target: string, samples: readonly Sample[]): Cell {
  const isPaced = load.kind === "own" && load.rate !== null;
  const percentile = (share: number): Spread =>
    spreadOf(samples.map(({ latenciesMs }) => percentileOf(latenciesMs, share)));
  return {
    load: load.name,
    target,
    cpu: spreadOf(samples.map(({ cpu }) => cpu)),
    perSecond: spreadOf(samples.map(({ perSecond }) => perSecond)),
    peakMiB: Math.max(...samples.map(({ peakMiB }) => peakMiB)),
    others: medianOf(samples.map(({ others }) => others)),
    latency: isPaced
      ? { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) }
      : null,
  };
}
