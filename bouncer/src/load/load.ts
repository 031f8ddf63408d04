/**
 * `bouncer load`: fetches the bundles before the application starts, checks all that can be checked
 * without traffic, and leaves them where the sidecar looks. Never leaves half a file.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type BundleRequirements, hashBundle, type Snapshot } from "../bundle/bundle.ts";
import { loadedFile } from "../bundle/name.ts";
import { bundleNamesOf, requirementsOf, sourcesOf } from "../bundle/requirements.ts";
import { backoffMs, type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { environment } from "../contract.ts";
import { AppError } from "../errors.ts";
import { prepare } from "../evaluation/prepare.ts";
import type { BundleIdentity } from "../policy/decision.ts";
import { plannedFrom } from "../policy/plan.ts";
import { checkAge } from "../policy/store.ts";
import { toAppError } from "../sync/failure.ts";
import { createFetcher, type Fetcher } from "../sync/fetch.ts";
import { replaceFile } from "./replace.ts";
import { findStored } from "./stored.ts";

export interface LoadDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** Where Kubernetes reads why a container ended. */
  readonly terminationLog?: string;
}

export const loadTiming = {
  /** How long a server may be away when nothing else will bring a policy. */
  budgetMs: 45_000,
  /** Shorter when the sidecar follows a server of policy: it refuses everything until then. */
  budgetWithSyncMs: 10_000,
  backoff: { baseMs: 500, capMs: 5000 },
} as const;

/** The exit code of the process: 0 when the pod may go on. */
export async function runLoad(config: Config, deps: LoadDeps): Promise<number> {
  const { log, clock = systemClock, terminationLog = "/dev/termination-log" } = deps;
  try {
    const identities = await load(config, clock, log);
    for (const { name, revision } of identities) log.info({ name, revision }, "policy loaded");
    return 0;
  } catch (error) {
    const failure = toAppError(error, "bundle_unwritable");
    const goesOn = await explainGoingOn(config, failure);
    if (goesOn === null) {
      log.error({ code: failure.code, problem: failure.message }, "policy not loaded");
    } else {
      log.warn({ code: failure.code, problem: failure.message }, goesOn);
    }
    await leaveMessage(terminationLog, `${failure.code}: ${failure.message}\n`);
    return goesOn === null ? 1 : 0;
  }
}

const missingUrl = `Cannot load policy: ${environment.policyBundleUrl} is not set`;

/** A server that is away is no reason to keep a pod from starting, a bad bundle always is. */
async function explainGoingOn(config: Config, failure: AppError): Promise<string | null> {
  const isBad = failure.code === "bundle_invalid" || failure.code === "bundle_signature";
  if (isBad || failure.code === "bundle_unwritable") return null;
  if (await hasUsableBundles(config)) return "policy not loaded, the one from before goes on";
  return config.policySyncUrl === null || failure.code === "bundle_older"
    ? null
    : `policy not loaded, everything is refused until ${environment.policySyncUrl} delivers one`;
}

/** Of an earlier run in the same pod: init containers run again when a node restarts. */
async function hasUsableBundles(config: Config): Promise<boolean> {
  try {
    const requirements = await requirementsOf(config);
    const names = bundleNamesOf(config);
    const snapshots: Snapshot[] = [];
    for (const name of names) {
      const found = await findStored(config, name, { names, requirements, onRefused: ignore });
      const loaded = found.find(({ isLoaded }) => isLoaded);
      if (loaded === undefined) return false;
      snapshots.push({ name, bytes: loaded.bytes, deltas: [] });
    }
    await check(config, snapshots, requirements);
    return true;
  } catch {
    return false;
  }
}

function ignore(): void {
  // What is not usable was complained of when it was fetched.
}

/** Everything up to the first request. Throws AppError. */
async function check(
  config: Config,
  snapshots: readonly Snapshot[],
  requirements: BundleRequirements,
): Promise<readonly BundleIdentity[]> {
  const evaluationBytes = config.policyEvaluationMemoryMib * 1024 * 1024;
  const prepared = await prepare({ snapshots, requirements, evaluationBytes });
  plannedFrom(prepared);
  return prepared.contents.identities;
}

async function load(config: Config, clock: Clock, log: Logger): Promise<readonly BundleIdentity[]> {
  const fetcher = createFetcher(config);
  const names = bundleNamesOf(config);
  try {
    const hasSync = config.policySyncUrl !== null;
    const endsAt = clock.now() + (hasSync ? loadTiming.budgetWithSyncMs : loadTiming.budgetMs);
    const snapshots: Snapshot[] = [];
    for (const { name, url } of sourcesOf(config)) {
      if (url === null) throw new AppError("config_invalid", missingUrl);
      const bytes = await fetchInBudget(fetcher, url, { clock, log, endsAt, hasSync });
      snapshots.push({ name, bytes, deltas: [] });
    }
    const requirements = await requirementsOf(config);
    const identities = await check(config, snapshots, requirements);
    if (config.policyRefuseOlder) await refuseOlder(config, identities, requirements);
    for (const { name, bytes } of snapshots) {
      await replaceFile(join(config.policyDirectory, loadedFile(name, names)), bytes);
      log.debug({ name, sha256: hashBundle(bytes), bytes: bytes.byteLength }, "policy stored");
    }
    return identities;
  } finally {
    await fetcher.close();
  }
}

/** Throws AppError when a bundle is older than what is stored of the same name. */
async function refuseOlder(
  config: Config,
  identities: readonly BundleIdentity[],
  requirements: BundleRequirements,
): Promise<void> {
  const names = identities.map(({ name }) => name);
  for (const identity of identities) {
    const options = { names, requirements, onRefused: ignore };
    const [newest] = await findStored(config, identity.name, options);
    checkAge(identity, newest?.serial ?? null);
  }
}

interface Attempt {
  readonly clock: Clock;
  readonly log: Logger;
  readonly endsAt: number;
  readonly hasSync: boolean;
}

async function fetchInBudget(
  fetcher: Fetcher,
  url: URL,
  { clock, log, endsAt, hasSync }: Attempt,
): Promise<Uint8Array> {
  for (let attempt = 0; ; attempt += 1) {
    const remainingMs = Math.max(endsAt - clock.now(), 1);
    try {
      const fetched = await fetcher.fetch(url, { signal: AbortSignal.timeout(remainingMs) });
      if (fetched.kind === "bundle") return fetched.bytes;
      throw new AppError("bundle_not_found", `Cannot fetch bundle "${url.href}": it is empty`);
    } catch (error) {
      const failure = toAppError(error, "bundle_unreachable");
      const delayMs = backoffMs(loadTiming.backoff, attempt, clock);
      // With a sync, one that is not there yet comes by itself.
      const isFinal =
        failure.code === "bundle_invalid" || (failure.code === "bundle_not_found" && hasSync);
      if (isFinal || clock.now() + delayMs >= endsAt) throw failure;
      log.info({ code: failure.code, problem: failure.message, delayMs }, "fetching policy again");
      await clock.wait(delayMs, new AbortController().signal);
    }
  }
}

/** Best effort: outside of Kubernetes there is no such file. */
async function leaveMessage(path: string, message: string): Promise<void> {
  await writeFile(path, message, { flag: "r+" }).catch(() => undefined);
}
