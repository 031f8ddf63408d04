/**
 * The policy of a running bouncer: decides requests with the bundle that is active, and keeps that
 * bundle current. Whatever goes wrong inside is a refusal.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { fileName } from "../contract.ts";
import { AppError } from "../errors.ts";
import { createCache } from "./cache.ts";
import { type Clock, systemClock } from "../clock.ts";
import type {
  ConnectionHead,
  Decision,
  Policy,
  PolicyStatus,
  RequestBody,
  RequestHead,
  Verdict,
} from "./decision.ts";
import { createFetcher } from "../sync/fetch.ts";
import {
  buildConnectionInput,
  buildInput,
  type InputContext,
  type InputPlan,
  type InputResult,
} from "./input.ts";
import { bundleNameOf, requirementsOf } from "../bundle/requirements.ts";
import { type Active, createStore } from "./store.ts";
import { createSync } from "../sync/sync.ts";
import type { Receiver } from "../sync/source.ts";
import { decideVerdict, denyWith } from "./verdict.ts";

export interface PolicyDeps {
  readonly log: Logger;
  /** Of this program, for the bridge. */
  readonly version: string;
  readonly clock?: Clock;
}

const cacheBounds = { maxEntries: 4096, maxKeyChars: 2 * 1024 * 1024 } as const;

interface Remembered {
  readonly verdict: Verdict;
  readonly result: unknown;
}

/** Resolves when the bundle of `bouncer load`, if there is one, is active or was refused. */
export async function createPolicy(config: Config, deps: PolicyDeps): Promise<Policy> {
  const { log, version, clock = systemClock } = deps;
  const path = config.policyDecisionPath;
  const cache = createCache<Remembered>({
    ttlMs: config.cacheTtl * 1000,
    now: () => clock.now(),
    ...cacheBounds,
  });
  const store = createStore({
    requirements: requirementsOf(config),
    now: () => clock.now(),
    onSwitch: (active) => {
      cache.clear();
      log.info({ ...active.identity }, "policy activated");
    },
  });
  const state: { connected: boolean; error: PolicyStatus["sync"]["error"] } = {
    connected: false,
    error: null,
  };
  const counts = { decisions: 0, refused: 0 };
  const receiver: Receiver = {
    active: (name) => {
      const identity = store.active()?.identity;
      return identity?.name === name ? identity : null;
    },
    activate: (bytes, name) => store.activate(bytes, name),
    // Nothing decides with a candidate yet: what is enforced stays the bundle itself.
    candidate: async () => undefined,
    counts: () => ({ ...counts, candidates: new Map() }),
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

  /** What `bouncer load` left, verified again: the volume is not ours alone. */
  async function loadStored(): Promise<void> {
    const file = join(config.policyDirectory, fileName.bundle);
    try {
      const bytes = await readFile(file);
      await store.activate(bytes, bundleNameOf(config.policyBundleUrl));
      receiver.report(null);
    } catch (error) {
      receiver.report(
        error instanceof AppError
          ? error
          : new AppError("bundle_not_found", `Cannot read bundle "${file}"`, { cause: error }),
      );
    }
  }

  /** Without a sync: the place that `bouncer load` fetches from, or what it left. */
  async function reload(): Promise<void> {
    const url = config.policyBundleUrl;
    if (url === null) return await loadStored();
    try {
      const fetched = await fetcher.fetch(url);
      if (fetched.kind === "bundle") await store.activate(fetched.bytes, bundleNameOf(url));
      receiver.report(null);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      receiver.report(error);
    }
  }

  await loadStored();
  const sync = createSync({ config, fetcher, receiver, clock, log, version }, reload);
  const context: InputContext = {
    time: () => new Date(clock.now()).toISOString(),
    id: () => randomUUID(),
  };

  function evaluate(active: Active, input: object, id: string): Decision {
    const base = { id, bundle: active.identity, path, input };
    const key = JSON.stringify(input);
    const known = cache.get(key);
    if (known !== undefined) return { ...base, ...known, cached: true, evaluationNs: 0 };
    const startedAt = performance.now();
    const evaluation = active.engine.evaluate(key);
    const evaluationNs = Math.round((performance.now() - startedAt) * 1e6);
    if (evaluation.kind === "error") {
      log.error({ decision: id, problem: evaluation.message }, "policy evaluation failed");
      const verdict = denyWith("policy_error", 503, evaluation.message);
      return { ...base, verdict, result: undefined, cached: false, evaluationNs };
    }
    const result = evaluation.value;
    const verdict = decideVerdict(result);
    cache.set(key, { verdict, result });
    return { ...base, verdict, result, cached: false, evaluationNs };
  }

  function decide(build: (plan: InputPlan) => InputResult): Decision {
    const id = randomUUID();
    const active = store.active();
    const refused = { id, path, cached: false, input: null, result: undefined, evaluationNs: 0 };
    if (active === null) {
      return { ...refused, bundle: null, verdict: denyWith("no_policy", 503, null) };
    }
    try {
      const built = build(active.plan);
      if (built.kind === "input") return evaluate(active, built.input, id);
      const verdict = denyWith(built.reason, 400, built.detail);
      return { ...refused, bundle: active.identity, verdict };
    } catch (error) {
      log.error({ decision: id, err: error }, "decision failed");
      const detail = error instanceof Error ? error.message : String(error);
      return {
        ...refused,
        bundle: active.identity,
        verdict: denyWith("policy_error", 503, detail),
      };
    }
  }

  function count(decision: Decision): Decision {
    counts.decisions += 1;
    if (decision.verdict.kind === "deny") counts.refused += 1;
    return decision;
  }

  return {
    needs: () => {
      const plan = store.active()?.plan;
      return { bodyBytes: plan?.bodyBytes ?? 0, sni: plan?.readsSni ?? false };
    },
    decide: (request: RequestHead, body: RequestBody | null) =>
      count(decide((plan) => buildInput(plan, request, body, context))),
    decideConnection: (connection: ConnectionHead) =>
      count(decide((plan) => ({ kind: "input", input: buildConnectionInput(plan, connection) }))),
    status: () => ({
      bundle: store.active()?.identity ?? null,
      activatedAt: store.active()?.activatedAt ?? null,
      sync: { kind: sync.kind, ...state },
      revivals: store.revivals(),
      cache: cache.stats(),
    }),
    refresh: () => sync.refresh(),
    close: async () => {
      await sync.close();
      await fetcher.close();
    },
  };
}
