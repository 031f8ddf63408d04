/**
 * `make bench-proxy`: what a request costs on its way through the bouncer and through its peers, all
 * in one run, in which they take turns; with the goals of the bouncer. Fails when an answer was not
 * what it must be, never because a goal was missed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine } from "../machine.ts";
import { startApplication } from "./application.ts";
import { isMet, judge, type Results } from "./goals.ts";
import type { Place } from "./instance.ts";
import { type Load, loads } from "./loads.ts";
import { type Extent, type Measured, measureLoads } from "./measure.ts";
import { findPeers } from "./peers.ts";
import { drawPlot } from "./plot.ts";
import { stayAside } from "./processor.ts";
import { findLost, formatReport } from "./report.ts";
import { createSetting, type PolicyName } from "./setting.ts";
import { type Idle, idleTargets, measureIdle, measureStanding, type Standing } from "./standing.ts";
import { bouncer, builtBouncer, createTargets, type Target } from "./targets.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    /** A minute and a half: the loads and targets that say most. */
    short: { type: "boolean", default: false },
    /** For a machine that others use, too: take precedence over them. As root. */
    first: { type: "boolean", default: false },
    /** Names, between commas: only these. */
    loads: { type: "string" },
    targets: { type: "string" },
    rounds: { type: "string" },
    /** NAME=PATH of the main.mjs of another build of the bouncer, measured wherever ours is. */
    also: { type: "string", multiple: true, default: [] },
    program: { type: "string", default: builtBouncer },
    /** A folder; without one, only the whole is written. */
    output: { type: "string" },
  },
});

const extent: Extent = values.short
  ? { rounds: 3, seconds: 1, warmUpSeconds: 1, firstWarmUpSeconds: 4 }
  : { rounds: 3, seconds: 2, warmUpSeconds: 1, firstWarmUpSeconds: 8 };
const shortLoads = ["get-16", "unique", "refused", "post-10k", "get-1m", "rate-2000"];
const shortTargets = ["direct", "haproxy-log", "envoy", "bouncer", "bouncer-no-cache"];
const starts = values.short ? 3 : 7;

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function choose<T extends { readonly name: string }>(
  all: readonly T[],
  chosen: readonly string[],
  what: string,
): readonly T[] {
  const unknown = chosen.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    const names = all.map(({ name }) => name).join(", ");
    throw new Error(`Cannot measure ${what} "${unknown}": accepted are ${names}`);
  }
  return all.filter(({ name }) => chosen.includes(name));
}

const others = values.also.map((given) => {
  const [name = "", path = ""] = given.split("=");
  return bouncer({ name, title: name, program: resolve(path) });
});

function chooseTargets(): readonly Target[] {
  const all = [...createTargets(resolve(values.program)), ...others];
  const chosen = values.targets?.split(",") ?? (values.short ? shortTargets : null);
  if (chosen === null) return all;
  return choose(all, [...chosen, ...others.map(({ name }) => name)], "the target");
}

function chooseLoads(): readonly Load[] {
  const names = values.loads?.split(",") ?? (values.short ? shortLoads : null);
  const chosen = names === null ? loads : choose(loads, names, "the load");
  const alsoNames = others.map(({ name }) => name);
  return chosen.map((load) =>
    load.targets.includes("bouncer") ? { ...load, targets: [...load.targets, ...alsoNames] } : load,
  );
}

async function measureRest(
  chosen: readonly Target[],
  place: Place,
): Promise<{ readonly standing: readonly Standing[]; readonly idle: readonly Idle[] }> {
  const standing: Standing[] = [];
  const idle: Idle[] = [];
  const alsoNames = others.map(({ name }) => name);
  for (const target of chosen) {
    const isCompared = ["haproxy", "nginx", "envoy", "envoy-opa-log", ...idleTargets].includes(
      target.name,
    );
    if (!isCompared && !alsoNames.includes(target.name)) continue;
    tell(`${target.title}: start and memory`);
    standing.push(await measureStanding(target, place, starts));
    if (values.short) continue;
    if (!idleTargets.includes(target.name) && !alsoNames.includes(target.name)) continue;
    idle.push(await measureIdle(target, place));
  }
  return { standing, idle };
}

const round = (_key: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 10_000) / 10_000 : value;

function write(output: string, results: Results, measured: Measured): void {
  mkdirSync(output, { recursive: true });
  const goals = judge(results).map((goal) => ({ ...goal, met: isMet(goal) }));
  const { failures, logged } = measured;
  const date = new Date().toISOString().slice(0, 10);
  const { versions } = peers;
  const result = { date, machine, versions, extent, goals, ...results, failures, logged };
  writeFileSync(join(output, "proxy.json"), `${JSON.stringify(result, round, 2)}\n`);
  writeFileSync(join(output, "proxy.svg"), drawPlot(results, { loads, targets: chosenTargets }));
}

const chosenTargets = chooseTargets();
const chosenLoads = chooseLoads();
const isWhole = !values.short && values.loads === undefined && values.targets === undefined;
const output = values.output ?? (isWhole ? here("../../results") : null);
const peers = findPeers();
stayAside(values.first);
const folder = mkdtempSync(join(tmpdir(), "bouncer-bench-proxy-"));
try {
  const policies = chosenTargets.flatMap(({ policy }): PolicyName[] =>
    policy === undefined ? [] : [policy],
  );
  const setting = await createSetting(folder, policies, resolve(values.program));
  const application = await startApplication(peers, folder);
  try {
    const place: Place = { peers, setting, folder, to: application.ports };
    const rest =
      values.loads === undefined
        ? await measureRest(chosenTargets, place)
        : { standing: [], idle: [] };
    const plan = { loads: chosenLoads, targets: chosenTargets, extent, tell };
    const rounds = Number(values.rounds ?? extent.rounds);
    const measured = await measureLoads({ ...plan, extent: { ...extent, rounds } }, place);
    const results: Results = { cells: measured.cells, ...rest };
    const names = { loads: chosenLoads, targets: chosenTargets };
    process.stdout.write(formatReport({ ...measured, results }, names));
    if (output !== null) write(output, results, measured);
    const isGood = measured.failures.length === 0 && findLost(measured.logged).length === 0;
    process.exitCode = isGood ? 0 : 1;
  } finally {
    await application.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
