/** Rounds of the same: Node with nothing in it, one bouncer, several of them on one machine. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds } from "../process.ts";
import { createSetting } from "../policy/setting.ts";
import { type Instance, type Program, startBare, startBouncer } from "./instance.ts";
import { type Memory, readMemory } from "./memory.ts";

export interface Extent {
  readonly rounds: number;
  /** That run at the same time. */
  readonly copies: number;
  /** Between the first answer and the look at the memory. */
  readonly idleSeconds: number;
}

export interface Sample extends Memory {
  readonly readyMs: number;
  readonly answeredMs: number;
  /** Of the processor, until idle. */
  readonly cpuMs: number;
}

export interface Round {
  readonly bare: Sample;
  readonly alone: Sample;
  /** Each of the copies; they are started one after the other. */
  readonly several: readonly Sample[];
}

const dataBytes = 20 * 1024;
const targetBytes = 1024;

async function look(instance: Instance): Promise<Sample> {
  const { pid, readyMs, answeredMs } = instance;
  return { ...readMemory(pid), readyMs, answeredMs, cpuMs: cpuSeconds(pid) * 1000 };
}

async function sample(
  startOne: () => Promise<Instance>,
  copies: number,
  idleSeconds: number,
): Promise<readonly Sample[]> {
  await using started = new AsyncDisposableStack();
  const instances: Instance[] = [];
  while (instances.length < copies) instances.push(started.use(await startOne()));
  await sleep(idleSeconds * 1000);
  return await Promise.all(instances.map(look));
}

/** `node` is copied, so that pages are shared with no other process than those of this run. */
export async function measure(
  program: Program,
  { rounds, copies, idleSeconds }: Extent,
  tell: (line: string) => void,
): Promise<readonly Round[]> {
  const folder = mkdtempSync(join(tmpdir(), "bouncer-bench-footprint-"));
  using setting = createSetting(dataBytes, "token");
  const body = Buffer.alloc(targetBytes, "x");
  const target = createServer((_request, response) => response.end(body)).listen(0, "127.0.0.1");
  try {
    await once(target, "listening");
    const policies = join(folder, "policies");
    mkdirSync(policies);
    writeFileSync(join(policies, "bundle.tar.gz"), setting.declared);
    const own = { ...program, node: join(folder, "node") };
    copyFileSync(program.node, own.node);
    const around = { policies, targetPort: (target.address() as AddressInfo).port };
    const measured: Round[] = [];
    // The first round only brings the files into memory.
    for (let round = 0; round <= rounds; round += 1) {
      const [bare] = await sample(() => startBare(own), 1, idleSeconds);
      const [alone] = await sample(() => startBouncer(own, around), 1, idleSeconds);
      const several = await sample(() => startBouncer(own, around), copies, idleSeconds);
      if (round === 0 || bare === undefined || alone === undefined) continue;
      measured.push({ bare, alone, several });
      tell(
        `round ${round} of ${rounds}: ${Math.round(alone.answeredMs)} ms, ${Math.round(alone.rss)} MiB`,
      );
    }
    return measured;
  } finally {
    target.closeAllConnections();
    target.close();
    rmSync(folder, { recursive: true });
  }
}
