/**
 * From a change of the ConfigMap, as the kubelet makes it, to the last bouncer that has it. On a
 * cluster each bouncer has a share of a node to itself; here all of them and the bridge share two
 * cores. So most are simulated: they pull it and check its hash. Among them are real policies, which
 * also verify it, compile it, warm it up and switch to it.
 */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build as rolldown } from "rolldown";
import { type Certificate, createMount, findFreePort, startApi, startBridge } from "./bridge.ts";
import { cpuSeconds } from "../process.ts";
import { startFleet } from "./simulated.ts";
import type { PolicyNews, PoliciesOrder } from "../../../bouncer/test/load/policies.ts";

export interface Propagation {
  readonly simulated: number;
  readonly policies: number;
  readonly processes: number;
  readonly bundleKiB: number;
  readonly changes: number;
  /** Seconds from the swap of the symlink: medians over the changes. */
  readonly lastSimulated: number;
  readonly firstPolicy: number;
  readonly lastPolicy: number;
  readonly slowest: number;
  /** CPU time of one policy for one change: on a node, each has its own share of cores. */
  readonly cpuSecondsPerPolicy: number;
}

export interface PropagateOptions {
  readonly program: string;
  readonly folder: string;
  readonly certificate: Certificate;
  readonly simulated: number;
  readonly policies: number;
  readonly processes: number;
  readonly changes: number;
}

const bundle = "policy.tar.gz";
const patienceMs = 120_000;
const example = fileURLToPath(new URL("../../../examples/policy/build.sh", import.meta.url));

export async function measurePropagation(options: PropagateOptions): Promise<Propagation> {
  const { program, folder, certificate, simulated, policies, processes, changes } = options;
  const contents = Array.from({ length: changes + 1 }, (_, index) => build(folder, `r${index}`));
  const api = await startApi(certificate);
  const mount = await createMount(`${folder}/bundles`);
  await mount.write(bundle, contents[0] ?? new Uint8Array());
  const port = await findFreePort();
  const bridge = await startBridge({
    program,
    folder,
    bundles: mount.path,
    certificate,
    api,
    port,
  });
  const order = { port, ca: certificate.cert, bundle };
  const script = await bundlePolicies(folder);
  const running = startPolicies({ policies, processes, script }, order);
  const fleet = startFleet({ ...order, count: simulated });
  try {
    await Promise.all([running.all("r0"), fleet.all(contents[0] ?? new Uint8Array())]);
    const rounds = [];
    const cpuBefore = running.cpuSeconds();
    for (let change = 1; change <= changes; change += 1) {
      const bytes = contents[change] ?? new Uint8Array();
      const at = await mount.write(bundle, bytes);
      const [arrived, last] = await Promise.all([running.all(`r${change}`), fleet.all(bytes)]);
      if (fleet.without(bytes) > 0) throw new Error(`a bouncer has not got r${change}`);
      const seconds = (time: number): number => (time - at) / 1000;
      const times = arrived.map(seconds).toSorted((a, b) => a - b);
      const [first = Number.NaN] = times;
      rounds.push({ first, last: times.at(-1) ?? Number.NaN, simulated: seconds(last) });
    }
    const cpu = running.cpuSeconds() - cpuBefore;
    return {
      simulated,
      policies,
      processes,
      bundleKiB: Math.round((contents[0]?.length ?? 0) / 1024),
      changes,
      lastSimulated: median(rounds.map((round) => round.simulated)),
      firstPolicy: median(rounds.map(({ first }) => first)),
      lastPolicy: median(rounds.map(({ last }) => last)),
      slowest: Math.max(...rounds.map((round) => Math.max(round.last, round.simulated))),
      cpuSecondsPerPolicy: cpu / policies / changes,
    };
  } finally {
    running.close();
    fleet.close();
    await bridge.kill();
    api.close();
  }
}

/** The example's policy, by the real opa. */
function build(folder: string, revision: string): Uint8Array {
  const path = `${folder}/${revision}.tar.gz`;
  execFileSync(example, [path, revision], { stdio: ["ignore", "ignore", "inherit"] });
  return readFileSync(path);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

type Order = Omit<PoliciesOrder, "first" | "count">;

const ignore = (): void => undefined;

interface Crew {
  readonly policies: number;
  readonly processes: number;
  readonly script: string;
}

const source = (path: string): string =>
  fileURLToPath(new URL(`../../../bouncer/${path}`, import.meta.url));

/** As the image has it: bundled, with the thread that new policies are prepared in. */
async function bundlePolicies(folder: string): Promise<string> {
  await rolldown({
    input: {
      policies: source("test/load/policies.ts"),
      worker: source("src/evaluation/worker.ts"),
    },
    platform: "node",
    output: { dir: `${folder}/program`, entryFileNames: "[name].mjs", format: "esm" },
    logLevel: "silent",
  });
  return `${folder}/program/policies.mjs`;
}

function startPolicies({ policies, processes, script }: Crew, order: Order) {
  const arrived = new Map<string, number[]>();
  let look = ignore;
  let fail: (error: Error) => void = ignore;
  const count = Math.ceil(policies / processes);
  const children = Array.from({ length: processes }, (_, index): ChildProcess => {
    const child = fork(script);
    child.on("message", ({ revision, at }: PolicyNews) => {
      arrived.set(revision, [...(arrived.get(revision) ?? []), at]);
      look();
    });
    child.on("exit", (code) => {
      if (code !== 0) fail(new Error(`the process of policies ended with ${code}`));
    });
    const first = index * count;
    child.send({ ...order, first, count: Math.min(count, policies - first) });
    return child;
  });
  return {
    all: (revision: string): Promise<readonly number[]> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const enforcing = arrived.get(revision)?.length ?? 0;
          reject(new Error(`${enforcing} of ${policies} enforce ${revision}`));
        }, patienceMs);
        fail = reject;
        look = () => {
          const times = arrived.get(revision) ?? [];
          if (times.length < policies) return;
          clearTimeout(timer);
          resolve(times);
        };
        look();
      }),
    cpuSeconds: () =>
      children.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : cpuSeconds(pid)), 0),
    close(): void {
      for (const child of children) child.disconnect();
    },
  };
}
