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
import { prepareBeside } from "../evaluation/thread.ts";
import { createKeeper, restore } from "../load/stored.ts";
import { toAppError } from "../sync/failure.ts";
import { createFetcher } from "../sync/fetch.ts";
import type { Receiver } from "../sync/source.ts";
import { createSync } from "../sync/sync.ts";
import { createDecider } from "./decide.ts";
import type { Policy, PolicyNeeds, PolicyStatus } from "./decision.ts";
import { type InputContext } from "./facts.ts";
import { buildConnectionInput, buildInput } from "./input.ts";
import { type LoadedSet, loadSet } from "./loaded.ts";
import { createRulings } from "./rulings.ts";
import { createStore } from "./store.ts";
import { createTrials, type Running } from "./trials.ts";

export interface PolicyDeps {
  readonly log: Logger;
  /** Of this program, for the bridge. */
  readonly version: string;
  readonly clock?: Clock;
  /** Where `http.send` may find certificates; the bouncer's own variables are not among them. */
  readonly environment?: Environment;
}

const mebibyte = 1024 * 1024;

/** Resolves when the bundles that are stored, if there are any, are active or were refused. */
export async function createPolicy(config: Config, deps: PolicyDeps): Promise<Policy> {
  const { log, version, clock = systemClock } = deps;
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
    return await loadSet(prepared, preparation, {
      makeCall: network.makeCall,
      now: () => clock.now(),
      evaluationMs: config.policyEvaluationTimeoutMs,
      decisionMs: config.policyDecisionTimeoutMs,
      cacheTtlMs: config.cacheTtl * 1000,
    });
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
      ...rulings.counts(),
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
    log,
    onGivenUp: () => sync.changed(),
  });
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
      return {
        bundle: active?.prepared.identity ?? null,
        bundles: active?.prepared.identities ?? [],
        candidates: listCandidates(trials.running()),
        activatedAt: active?.activatedAt ?? null,
        sync: { kind: sync.kind, ...state },
        revivals: store.revivals(),
        timeouts: rulings.counts().timeouts,
        cache: active?.prepared.cache.stats() ?? { hits: 0, misses: 0, entries: 0 },
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

type NeedingSets = readonly [LoadedSet | undefined, LoadedSet | undefined];

/** Asked for each request, and the same from one switch of the sets to the next. */
function createNeeds(sets: () => NeedingSets): () => PolicyNeeds {
  let of: NeedingSets = [undefined, undefined];
  let needs: PolicyNeeds = { bodyBytes: 0, sni: false };
  return () => {
    const now = sets();
    if (now[0] === of[0] && now[1] === of[1]) return needs;
    of = now;
    const plans = now.flatMap((set) => (set === undefined ? [] : [set.plan]));
    needs = {
      bodyBytes: Math.max(0, ...plans.map((plan) => plan.bodyBytes)),
      sni: plans.some((plan) => plan.readsSni),
    };
    return needs;
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
