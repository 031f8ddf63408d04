/** What is measured, in which order, and what comes of it. */
import { cpuSeconds, memoryMiB } from "../process.ts";
import { type Percentiles, percentilesOf } from "../load/percentiles.ts";
import type { Outcome } from "../load/run.ts";
import type { Generator } from "../load/start.ts";
import { buildReview } from "./review.ts";
import type { Server, Servers } from "./servers.ts";

const kib = 1024;
export const sizes = [4 * kib, 64 * kib, 1024 * kib] as const;
const wantedRate = 200;
/** More than the server can take tells nothing but how long the queue was. */
const shareOfSaturation = 0.5;
const connections = 16;

export interface Extent {
  /** Of each cell of the table; both servers take turns, so that what disturbs one disturbs both. */
  readonly rounds: number;
  readonly pacedSeconds: number;
  readonly saturatedSeconds: number;
  /** How many admissions the memory is watched for. */
  readonly admissions: number;
}

export const full: Extent = {
  rounds: 3,
  pacedSeconds: 5,
  saturatedSeconds: 3,
  admissions: 100_000,
};
export const short: Extent = {
  rounds: 1,
  pacedSeconds: 4,
  saturatedSeconds: 2,
  admissions: 10_000,
};

export interface Cell {
  readonly rate: number;
  readonly perSecond: number;
  readonly latencyMs: Percentiles;
  readonly cpuSecondsPer1000: number;
}

/** `paced`: open loop. `saturated`: closed loop of 16 connections. */
export interface Measured {
  readonly bytes: number;
  readonly paced: { readonly injector: Cell; readonly floor: Cell; readonly lateP99Ms: number };
  readonly saturated: { readonly injector: Cell; readonly floor: Cell };
}

export interface MemoryPoint {
  readonly admissions: number;
  readonly rssMiB: number;
  readonly peakMiB: number;
}

export interface Measurement {
  readonly sizes: readonly Measured[];
  /** Of the injector: with small pods, from its start; the last one after everything else. */
  readonly memory: readonly MemoryPoint[];
}

interface Sample extends Outcome {
  readonly cpuSeconds: number;
}

type Load = { readonly bytes: number; readonly rate: number | null; readonly seconds: number };

export async function measure(
  servers: Servers,
  generator: Generator,
  extent: Extent,
  tell: (line: string) => void,
): Promise<Measurement> {
  const ask = (server: Server, load: Load, requests = Number.MAX_SAFE_INTEGER) =>
    sample(server, generator, { ...load, requests });
  const memory = await watchMemory(servers.injector, extent.admissions, ask);
  const measured: Measured[] = [];
  for (const bytes of sizes) {
    tell(`pods of ${bytes / kib} KiB`);
    for (const server of [servers.floor, servers.injector]) {
      await ask(server, { bytes, rate: null, seconds: 1 });
    }
    const saturated = await takeTurns(servers, extent.rounds, (server) =>
      ask(server, { bytes, rate: null, seconds: extent.saturatedSeconds }),
    );
    const most = toCell(saturated.injector, 0).perSecond;
    const rate = Math.min(wantedRate, Math.floor(most * shareOfSaturation));
    const paced = await takeTurns(servers, extent.rounds, (server) =>
      ask(server, { bytes, rate, seconds: extent.pacedSeconds }),
    );
    const late = [...paced.injector, ...paced.floor].flatMap(({ lateMs }) => lateMs);
    measured.push({
      bytes,
      saturated: { injector: toCell(saturated.injector, 0), floor: toCell(saturated.floor, 0) },
      paced: {
        injector: toCell(paced.injector, rate),
        floor: toCell(paced.floor, rate),
        lateP99Ms: percentilesOf(late).p99,
      },
    });
  }
  const admissions = memory.at(-1)?.admissions ?? 0;
  const after = measured.reduce((sum, { paced, saturated }) => {
    const { injector } = saturated;
    return sum + paced.injector.latencyMs.count + injector.latencyMs.count;
  }, admissions);
  return { sizes: measured, memory: [...memory, readMemory(servers.injector, after)] };
}

type Ask = (server: Server, load: Load, requests?: number) => Promise<Sample>;

async function watchMemory(server: Server, admissions: number, ask: Ask): Promise<MemoryPoint[]> {
  const points = [readMemory(server, 0)];
  for (const step of [0.1, 0.4, 0.7, 1]) {
    const done = points.at(-1)?.admissions ?? 0;
    const next = Math.round(admissions * step);
    await ask(server, { bytes: sizes[0], rate: null, seconds: 90 }, next - done);
    points.push(readMemory(server, next));
  }
  return points;
}

function readMemory({ pid }: Server, admissions: number): MemoryPoint {
  const { rss, peak } = memoryMiB(pid);
  return { admissions, rssMiB: rss, peakMiB: peak };
}

async function takeTurns(
  servers: Servers,
  rounds: number,
  ask: (server: Server) => Promise<Sample>,
): Promise<{ readonly injector: Sample[]; readonly floor: Sample[] }> {
  const injector: Sample[] = [];
  const floor: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    floor.push(await ask(servers.floor));
    injector.push(await ask(servers.injector));
  }
  return { injector, floor };
}

async function sample(
  server: Server,
  generator: Generator,
  { bytes, ...load }: Load & { readonly requests: number },
): Promise<Sample> {
  const before = cpuSeconds(server.pid);
  const outcome = await generator.run({
    ...load,
    target: server.target,
    body: buildReview(bytes),
    path: "/mutate?timeout=10s",
    connections,
  });
  if (!outcome.answer.includes('"allowed":true,') || !outcome.answer.includes('"patch":"')) {
    throw new Error(`Cannot measure: answered ${outcome.answer.slice(0, 300)}`);
  }
  return { ...outcome, cpuSeconds: cpuSeconds(server.pid) - before };
}

function toCell(samples: readonly Sample[], rate: number): Cell {
  const latencyMs = percentilesOf(samples.flatMap((one) => one.latenciesMs));
  const total = (read: (one: Sample) => number) => samples.reduce((sum, one) => sum + read(one), 0);
  return {
    rate,
    perSecond: latencyMs.count / total(({ seconds }) => seconds),
    latencyMs,
    cpuSecondsPer1000: (total((one) => one.cpuSeconds) * 1000) / latencyMs.count,
  };
}
