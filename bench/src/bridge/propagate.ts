/** From a change of the ConfigMap, as the kubelet makes it, to the last policy that enforces it. */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Certificate, createMount, findFreePort, startApi, startBridge } from "./bridge.ts";
import type { PolicyNews, PoliciesOrder } from "../../../bouncer/test/load/policies.ts";

export interface Propagation {
  readonly policies: number;
  readonly processes: number;
  readonly bundleKiB: number;
  readonly changes: number;
  /** Seconds from the swap of the symlink, over all changes. */
  readonly first: number;
  readonly median: number;
  readonly last: number;
  readonly slowest: number;
}

export interface PropagateOptions {
  readonly program: string;
  readonly folder: string;
  readonly certificate: Certificate;
  readonly policies: number;
  readonly processes: number;
  readonly changes: number;
}

const bundle = "policy.tar.gz";
const patienceMs = 120_000;
const example = fileURLToPath(new URL("../../../examples/policy/build.sh", import.meta.url));

export async function measurePropagation(options: PropagateOptions): Promise<Propagation> {
  const { program, folder, certificate, policies, processes, changes } = options;
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
  const running = startPolicies(policies, processes, order);
  try {
    await running.all("r0");
    const rounds = [];
    for (let change = 1; change <= changes; change += 1) {
      const at = await mount.write(bundle, contents[change] ?? new Uint8Array());
      const arrived = await running.all(`r${change}`);
      rounds.push(arrived.map((one) => (one - at) / 1000).toSorted((a, b) => a - b));
    }
    const lasts = rounds.map((round) => round.at(-1) ?? Number.NaN);
    return {
      policies,
      processes,
      bundleKiB: Math.round((contents[0]?.length ?? 0) / 1024),
      changes,
      first: median(rounds.map((round) => round[0] ?? Number.NaN)),
      median: median(rounds.map((round) => median(round))),
      last: median(lasts),
      slowest: Math.max(...lasts),
    };
  } finally {
    running.close();
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

function startPolicies(policies: number, processes: number, order: Order) {
  const arrived = new Map<string, number[]>();
  let look = ignore;
  let fail: (error: Error) => void = ignore;
  const program = fileURLToPath(new URL("../../../bouncer/test/load/policies.ts", import.meta.url));
  const count = Math.ceil(policies / processes);
  const children = Array.from({ length: processes }, (_, index): ChildProcess => {
    const child = fork(program);
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
          const count = arrived.get(revision)?.length ?? 0;
          reject(new Error(`${count} of ${policies} enforce ${revision}`));
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
    close(): void {
      for (const child of children) child.disconnect();
    },
  };
}
