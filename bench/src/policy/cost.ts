/**
 * What decisions cost a thread, one right after the other: computing, and memory that has to be
 * collected. Both are of the thread, so what else runs on the machine matters less than to latencies.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { RequestHead } from "../../../bouncer/src/policy/decision.ts";
import type { AskedPolicy } from "./decision.ts";

export interface Cost {
  readonly cpuUs: number;
  readonly bytes: number;
}

/** What is measured: decides once. */
export type Decide = (at: number) => void;

/** Throws for a decision that has to be waited for, or that refuses. */
export function decideEach(policy: AskedPolicy, requests: readonly RequestHead[]): Decide {
  return (at) => {
    const request = requests[at % requests.length];
    if (request === undefined) throw new Error("there is no request");
    const decision = policy.decide(request);
    if (decision instanceof Promise) throw new Error("there was no decision at once");
    if (decision.verdict.kind !== "allow") throw new Error(JSON.stringify(decision.verdict));
  };
}

/** Few enough to be over before any garbage is collected. */
const sample = 50;
const samples = 9;

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

export interface Costing {
  readonly warmUps: number;
  readonly decisions: number;
  readonly rounds: number;
}

/** All of them take turns. */
export function measureCosts<Name extends string>(
  asked: Readonly<Record<Name, Decide>>,
  { warmUps, decisions, rounds }: Costing,
): Readonly<Record<Name, Cost>> {
  const collect = collector();
  const rows = Object.entries<Decide>(asked).map(([name, decide]) => {
    let at = 0;
    const run = (count: number): void => {
      for (const end = at + count; at < end; at += 1) decide(at);
    };
    return { name, run, cpuUs: [] as number[], bytes: [] as number[] };
  });
  for (const { run } of rows) run(warmUps);
  for (let round = 0; round < rounds; round += 1) {
    for (const { run, cpuUs } of rows) {
      const before = process.threadCpuUsage();
      run(decisions);
      const { user, system } = process.threadCpuUsage(before);
      cpuUs.push((user + system) / decisions);
    }
  }
  for (const { run, bytes } of rows) {
    for (let count = 0; count < samples; count += 1) {
      collect();
      const before = process.memoryUsage().heapUsed;
      run(sample);
      bytes.push((process.memoryUsage().heapUsed - before) / sample);
    }
  }
  return Object.fromEntries(
    rows.map(({ name, cpuUs, bytes }) => [
      name,
      { cpuUs: middle(cpuUs), bytes: Math.round(middle(bytes)) },
    ]),
  ) as Record<Name, Cost>;
}

function middle(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
