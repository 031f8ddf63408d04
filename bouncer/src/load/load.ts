/**
 * `bouncer load`: fetches the first bundle before the application starts, checks all that can be
 * checked without traffic, and leaves it where the sidecar looks. Never leaves half a file.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { environment, fileName } from "../contract.ts";
import { AppError } from "../errors.ts";
import { toAppError } from "../sync/access.ts";
import { hashBundle } from "../bundle/bundle.ts";
import { backoffMs, type Clock, systemClock } from "../clock.ts";
import { createFetcher, type Fetcher } from "../sync/fetch.ts";
import { requirementsOf } from "../bundle/requirements.ts";
import { loadBundle } from "../policy/store.ts";
import { replaceFile } from "./replace.ts";

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
    const url = config.policyBundleUrl;
    if (url === null) throw new AppError("config_invalid", missingUrl);
    const revision = await load(config, url, clock, log);
    log.info({ url: url.href, revision }, "policy loaded");
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
  if (await hasUsableBundle(config)) return "policy not loaded, the one from before goes on";
  return config.policySyncUrl === null
    ? null
    : `policy not loaded, everything is refused until ${environment.policySyncUrl} delivers one`;
}

/** Of an earlier run in the same pod: init containers run again when a node restarts. */
async function hasUsableBundle(config: Config): Promise<boolean> {
  try {
    const bytes = await readFile(join(config.policyDirectory, fileName.bundle));
    await loadBundle(bytes, requirementsOf(config));
    return true;
  } catch {
    return false;
  }
}

async function load(config: Config, url: URL, clock: Clock, log: Logger): Promise<string> {
  const fetcher = createFetcher(config);
  try {
    const bytes = await fetchInBudget(config, fetcher, url, { clock, log });
    const { bundle } = await loadBundle(bytes, requirementsOf(config));
    await replaceFile(join(config.policyDirectory, fileName.bundle), bytes);
    log.debug({ sha256: hashBundle(bytes), bytes: bytes.byteLength }, "policy stored");
    return bundle.manifest.revision;
  } finally {
    await fetcher.close();
  }
}

async function fetchInBudget(
  config: Config,
  fetcher: Fetcher,
  url: URL,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<Uint8Array> {
  const hasSync = config.policySyncUrl !== null;
  const endsAt = clock.now() + (hasSync ? loadTiming.budgetWithSyncMs : loadTiming.budgetMs);
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
