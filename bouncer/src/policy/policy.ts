/**
 * The policy of a running bouncer: decides requests with the bundles that are active, and keeps
 * these current. Whatever goes wrong inside is a refusal.
 */
import { randomUUID } from "node:crypto";
import type { Environment } from "bouncer-environment/table";
import type { Logger } from "pino";
import type { BundleRequirements, Snapshot } from "../bundle/bundle.ts";
import { bundleNamesOf, requirementsOf, sourcesOf } from "../bundle/requirements.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { AppError } from "../errors.ts";
import { createLazyNetwork } from "../evaluation/network.ts";
import { prepare } from "../evaluation/prepare.ts";
import { createSlowLane } from "../evaluation/slow-lane.ts";
import { prepareBeside } from "../evaluation/thread.ts";
import { createKeeper, restore } from "../load/stored.ts";
import { toAppError } from "../sync/failure.ts";
import { createFetcher } from "../sync/fetch.ts";
import type { Receiver } from "../sync/source.ts";
import { createSync } from "../sync/sync.ts";
import { addStats } from "./cache.ts";
import { createDecider } from "./decide.ts";
import type { Policy, PolicyStatus } from "./decision.ts";
import { type InputContext } from "./facts.ts";
import { buildConnectionInput, buildInput } from "./input.ts";
import { loadDepsOf, type LoadedSet, loadSet } from "./loaded.ts";
import { createNeeds } from "./needs.ts";
import { addCounts, createRulings, type RulingCounts } from "./rulings.ts";
import type { Spread, SpreadCounts } from "./spread.ts";
import { noSpreadCounts } from "./spread-counts.ts";
import { createStore } from "./store.ts";
import { createTrials, type Running } from "./trials.ts";

export interface PolicyDeps {
  readonly log: Logger;
  /** Of this program, for the bridge. */
  readonly version: string;
  readonly clock?: Clock;
  /** Where `http.send` may find certificates; the bouncer's own variables are not among them. */
  readonly environment?: Environment;
  /** null: this thread decides alone. */
  readonly spread?: Spread | null;
}

const mebibyte = 1024 * 1024;

/** Resolves when the bundles that are stored, if there are any, are active or were refused. */
export async function createPolicy(config: Config, deps: PolicyDeps): Promise<Policy> {
  const { log, version, clock = systemClock, spread = null } = deps;
  const names = bundleNamesOf(config);
  const network = createLazyNetwork(config, deps.environment ?? {});
  /** Nothing is held up by what is done before. */
  let isServing = false;

  async function load(
    snapshots: readonly Snapshot[],
    requirements: BundleRequirements,
  ): Promise<LoadedSet> {
    const evaluationBytes = config.policyEvaluationMemoryMib * mebibyte;
    const preparation = { snapshots, requirements, evaluationBytes };
    const prepared = await (isServing ? prepareBeside(preparation) : prepare(preparation));
    const slowLane = createSlowLane(preparation);
    const makeCall = network.makeCall;
    const set = await loadSet(
      prepared,
      slowLane,
      loadDepsOf(config, makeCall, () => clock.now()),
    );
    if (spread === null) return set;
    const shared: LoadedSet = {
      ...set,
      close: () => {
        spread.remove(shared);
        set.close();
      },
    };
    await spread.add({ set: shared, prepared, slowLane });
    return shared;
  }

  const countOthers = (): SpreadCounts => spread?.counts() ?? noSpreadCounts;

  /** What other threads decide by: the same, and at the same time. */
  function tellThreads(): void {
    const running = trials.running();
    spread?.decideBy({
      current: store.active()?.prepared ?? null,
      candidate:
        running === null ? null : { set: running.set, isEnforced: running.trial.isEnforced },
    });
  }

  function giveUp({ trial }: Running): void {
    const { name, revision, stopped } = trial.status();
    log.warn({ name, revision, reason: stopped }, "candidate given up, the current policy goes on");
    tellThreads();
    sync.changed();
  }

  const keeper = createKeeper(config.policyPersistDirectory, (error) => receiver.report(error));
  const store = createStore<LoadedSet>({
    names,
    requirements: () => requirementsOf(config),
    prepare: load,
    refuseOlder: config.policyRefuseOlder,
    maxDeltas: config.policyMaxDeltas,
    now: () => clock.now(),
    onSwitch: ({ prepared }) => {
      for (const identity of prepared.identities) log.info({ ...identity }, "policy activated");
      warnOfBodies(prepared);
      tellThreads();
      for (const listener of listeners) listener();
      void trials.rebase();
    },
    onSnapshot: ({ name, bytes }) => keeper.keep(name, bytes),
  });
  /** Who streams uploads through such a policy should know why they wait. */
  function warnOfBodies({ plan, declaresInput, identity }: LoadedSet): void {
    if (declaresInput || plan.bodyBytes === 0) return;
    log.warn(
      { name: identity.name, revision: identity.revision },
      "the bundle does not declare what it reads, and may read bodies: they are read ahead; see `bouncer bundle`",
    );
  }

  const listeners = new Set<() => void>();
  const trials = createTrials({
    snapshots: () => store.snapshots(),
    load: async (snapshots) => await load(snapshots, await requirementsOf(config)),
    accept: (identity) => store.accept(identity),
    onFailure: (error) => receiver.report(toAppError(error, "bundle_invalid")),
    onChange: tellThreads,
  });
  spread?.onCompared((set, compared) => {
    const running = trials.running();
    if (running?.set === set && running.trial.add(compared)) giveUp(running);
  });
  const state: { connected: boolean; error: PolicyStatus["sync"]["error"] } = {
    connected: false,
    error: null,
  };
  const receiver: Receiver = {
    active: (name) => find(store.active()?.prepared ?? null, name),
    activate: (bytes, name) => store.activate(bytes, name),
    candidate: (name, candidate) => trials.offer(name, candidate),
    counts: () => ({
      ...countRulings(),
      candidates: new Map(listCandidates(trials.running()).map((one) => [one.name, one])),
    }),
    connected: (isConnected) => {
      if (isConnected !== state.connected) log.info({ connected: isConnected }, "policy sync");
      state.connected = isConnected;
    },
    report: (error) => {
      if (error === null) {
        state.error = null;
        return;
      }
      const { code, message } = error;
      state.error = { code, message, at: clock.now() };
      log.warn({ code, problem: message }, "policy not updated");
    },
  };
  const fetcher = createFetcher(config);

  /** What `bouncer load` left, or what was active before: verified again, it is not ours alone. */
  async function loadStored(): Promise<Restored> {
    let refused: AppError | null = null;
    const missing = await restore(
      config,
      {
        activate: (bytes, name) => store.activate(bytes, name),
        isComplete: () => store.active() !== null,
      },
      {
        names,
        requirements: await requirementsOf(config),
        onRefused: (error) => {
          refused = error;
          log.warn({ code: error.code, problem: error.message }, "bundle not used");
        },
      },
    );
    return { missing, refused };
  }

  /** Without a sync: the places that `bouncer load` fetches from, or what it left. */
  async function reload(): Promise<void> {
    try {
      let last: AppError | null = null;
      for (const { name, url } of sourcesOf(config)) {
        if (url === null) {
          const { missing, refused } = await loadStored();
          last = refused ?? missing;
          continue;
        }
        const fetched = await fetcher.fetch(url);
        if (fetched.kind === "bundle") await store.activate(fetched.bytes, name);
      }
      receiver.report(last);
    } catch (error) {
      receiver.report(toAppError(error, "bundle_unreachable"));
    }
  }

  try {
    const { missing } = await loadStored();
    receiver.report(missing);
  } catch (error) {
    receiver.report(toAppError(error, "bundle_invalid"));
  }
  isServing = true;
  const rulings = createRulings({
    decider: createDecider(config.policyDecisionPath, log),
    current: () => store.active()?.prepared ?? null,
    running: () => trials.running(),
    onGivenUp: giveUp,
  });
  /** Of all threads. */
  const countRulings = (): RulingCounts => addCounts(rulings.counts(), countOthers());
  const sync = createSync({ config, fetcher, receiver, clock, log, version }, reload);
  const context: InputContext = {
    time: () => new Date(clock.now()).toISOString(),
    id: () => randomUUID(),
  };
  const needs = createNeeds(() => [store.active()?.prepared, trials.running()?.set]);

  return {
    needs,
    decide: (request, body) => rulings.decide((plan) => buildInput(plan, request, body, context)),
    decideConnection: (connection) =>
      rulings.decide((plan) => buildConnectionInput(plan, connection)),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    status: () => {
      const active = store.active();
      const others = countOthers();
      return {
        bundle: active?.prepared.identity ?? null,
        bundles: active?.prepared.identities ?? [],
        candidates: listCandidates(trials.running()),
        activatedAt: active?.activatedAt ?? null,
        sync: { kind: sync.kind, ...state },
        revivals: store.revivals() + others.revivals,
        timeouts: countRulings().timeouts,
        cache: addStats(active?.prepared.cache.stats() ?? noSpreadCounts.cache, others.cache),
      };
    },
    refresh: () => sync.refresh(),
    close: async () => {
      await sync.close();
      await fetcher.close();
      trials.close();
      store.active()?.prepared.close();
      await keeper.settled();
      await network.close();
    },
  };
}

interface Restored {
  /** Why there is no policy. */
  readonly missing: AppError | null;
  /** Why a file was not used, whatever there was in its place. */
  readonly refused: AppError | null;
}

function find(set: LoadedSet | null, name: string) {
  return set?.identities.find((identity) => identity.name === name) ?? null;
}

function listCandidates(running: Running | null) {
  return running === null ? [] : [running.trial.status()];
}
