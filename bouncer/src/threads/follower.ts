/**
 * The policy of a thread beside the main one: it fetches nothing and chooses nothing. It decides by
 * the sets that it is given, and the board says which of them.
 */
import { randomUUID } from "node:crypto";
import type { Environment } from "bouncer-environment/table";
import type { Config } from "../config.ts";
import { createLazyNetwork } from "../evaluation/network.ts";
import type { Prepared } from "../evaluation/prepare.ts";
import type { SlowLane } from "../evaluation/slow-lane.ts";
import { addCompared, type Compared, compare, type Comparing } from "../policy/candidate.ts";
import { createDecider } from "../policy/decide.ts";
import type { DecidingPolicy } from "../policy/decision.ts";
import { buildConnectionInput, buildInput } from "../policy/input.ts";
import { loadDepsOf, type LoadedSet, loadSet } from "../policy/loaded.ts";
import { createNeeds } from "../policy/needs.ts";
import { createRulings } from "../policy/rulings.ts";
import type { SpreadCounts } from "../policy/spread.ts";
import type { Log } from "../telemetry/log.ts";
import type { Board } from "./board.ts";

export interface FollowerDeps {
  readonly board: Board;
  readonly environment: Environment;
  readonly log: Log;
  /** That of the process, for the set of this number. */
  readonly slowLane: (set: number) => SlowLane;
  readonly onCompared: (set: number, compared: Compared) => void;
}

export interface Follower extends DecidingPolicy {
  /** Resolves when it could decide by this set. Throws when it cannot. */
  stage(set: number, prepared: Prepared): Promise<void>;
  retire(set: number): void;
  /** Another set decides. */
  switched(): void;
  counts(): SpreadCounts;
  close(): Promise<void>;
}

interface Staged {
  readonly set: LoadedSet;
  readonly trial: Comparing;
}

export function createFollower(config: Config, deps: FollowerDeps): Follower {
  const { board, log } = deps;
  const network = createLazyNetwork(config, deps.environment);
  const sets = new Map<number, Staged>();
  const listeners = new Set<() => void>();
  let pastRevivals = 0;

  const current = (): LoadedSet | null => sets.get(board.current)?.set ?? null;
  const running = (): Staged | null => {
    const { candidate } = board;
    return candidate === 0 ? null : (sets.get(candidate) ?? null);
  };

  /** What came together goes together: the main thread judges. */
  function createTrial(set: number): Comparing {
    let waiting: Compared | null = null;
    const send = (): void => {
      if (waiting !== null) deps.onCompared(set, waiting);
      waiting = null;
    };
    return {
      get isEnforced() {
        return board.isEnforced(set);
      },
      count(comparison) {
        if (waiting === null) setImmediate(send);
        const one = compare(comparison);
        waiting = waiting === null ? one : addCompared(waiting, one);
        return false;
      },
    };
  }

  const rulings = createRulings<Staged>({
    decider: createDecider(config.policyDecisionPath, log),
    current,
    running,
    onGivenUp: () => undefined,
  });
  const context = { time: () => new Date().toISOString(), id: () => randomUUID() };

  return {
    needs: createNeeds(() => [current() ?? undefined, running()?.set]),
    decide: (request, body) => rulings.decide((plan) => buildInput(plan, request, body, context)),
    decideConnection: (connection) =>
      rulings.decide((plan) => buildConnectionInput(plan, connection)),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stage(set, prepared) {
      const loadDeps = loadDepsOf(config, network.makeCall, () => Date.now());
      const loaded = await loadSet(prepared, deps.slowLane(set), loadDeps);
      sets.set(set, { set: loaded, trial: createTrial(set) });
    },
    retire(set) {
      const staged = sets.get(set);
      if (staged === undefined) return;
      sets.delete(set);
      pastRevivals += staged.set.revivals();
      staged.set.close();
    },
    switched() {
      for (const listener of listeners) listener();
    },
    counts() {
      const decider = current();
      return {
        ...rulings.counts(),
        revivals: pastRevivals + (decider?.revivals() ?? 0),
        cache: decider?.cache.stats() ?? { hits: 0, misses: 0, entries: 0 },
      };
    },
    close: () => network.close(),
  };
}
