/** What the suite is made of, and how a row is run against a target. */
import type { Step } from "./step.ts";
import { Mismatch, Trial } from "./trial.ts";

/** How the bouncer is set up for a row. Others have one way, and are not asked in the rest. */
export type Setting =
  | "plain"
  /** The client is a trusted proxy. */
  | "trusted"
  /** The policy reads bodies. */
  | "reads-bodies"
  /** The policy allows nothing. */
  | "denies"
  /** Idle connections and heads that do not come are given up within a moment. */
  | "impatient"
  /** No Via. */
  | "anonymous";

export interface Row {
  readonly name: string;
  /** Where the expectation is from: `9112, 6.1`. */
  readonly section: string;
  readonly setting: Setting;
  readonly steps: readonly Step[];
  /** It moves so much that it is run when the others are through. */
  readonly isHeavy: boolean;
}

export interface Group {
  readonly title: string;
  /** Why others do otherwise, where one sentence says it for the whole group. */
  readonly rows: readonly Row[];
}

export function row(name: string, section: string, ...steps: readonly Step[]): Row {
  return { name, section, setting: "plain", steps, isHeavy: false };
}

export function heavy(base: Row): Row {
  return { ...base, isHeavy: true };
}

export function rowWith(setting: Setting, base: Row): Row {
  return { ...base, setting };
}

/** A proxy that listens on as many ports as it is given ports of applications, one for each. */
export interface Running {
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

export interface Target {
  readonly name: string;
  readonly settings: readonly Setting[];
  start(appPorts: readonly number[], setting: Setting): Promise<Running>;
}

export interface RunOptions {
  readonly deadlineMs: number;
  readonly concurrency: number;
}

/** `null`: as the row says; else a sentence about what happened. */
export type Outcomes = ReadonlyMap<string, string | null>;

async function runRow({ steps }: Row, trial: Trial): Promise<string | null> {
  try {
    for (const step of steps) await step(trial);
    checkRest(trial);
    return null;
  } catch (error) {
    if (error instanceof Mismatch) return error.message;
    throw error;
  } finally {
    await trial.close();
  }
}

/** Nobody has got what the row does not speak of. */
function checkRest(trial: Trial): void {
  const extra = trial.findRequest();
  if (extra !== null) throw new Mismatch(`the application gets ${extra.message.line}, too`);
  for (const wire of trial.clients.values()) {
    if (wire.reader.pendingLength > 0 && !wire.dropped) {
      throw new Mismatch("the client gets more than its answer");
    }
  }
}

async function runSetting(
  target: Target,
  setting: Setting,
  rows: readonly Row[],
  { deadlineMs, concurrency }: RunOptions,
): Promise<[string, string | null][]> {
  const trials = rows.map((one) => ({ one, trial: new Trial({ deadlineMs }) }));
  const appPorts = await Promise.all(trials.map(({ trial }) => trial.listen()));
  const running = await target.start(appPorts, setting);
  const outcomes: [string, string | null][] = [];
  const ready = trials.map(({ one, trial }, i) => {
    trial.port = running.ports[i] ?? 0;
    return { one, trial };
  });
  const work = async (queue: typeof ready): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      outcomes.push([next.one.name, await runRow(next.one, next.trial)]);
    }
  };
  const light = ready.filter(({ one }) => !one.isHeavy);
  try {
    await Promise.all(Array.from({ length: concurrency }, () => work(light)));
    await work(ready.filter(({ one }) => one.isHeavy));
  } finally {
    await running.stop();
  }
  return outcomes;
}

/** Runs those rows that the target can be set up for; the others have no outcome. */
export async function runRows(
  target: Target,
  rows: readonly Row[],
  options: RunOptions,
): Promise<Outcomes> {
  const outcomes = new Map<string, string | null>();
  for (const setting of target.settings) {
    const chosen = rows.filter((one) => one.setting === setting);
    if (chosen.length === 0) continue;
    for (const [name, outcome] of await runSetting(target, setting, chosen, options)) {
      outcomes.set(name, outcome);
    }
  }
  return outcomes;
}
