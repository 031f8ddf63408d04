/**
 * Follows what the bridge announces of one bundle: pulls it, checks it, hands it over, and tries
 * again for as long as it cannot be had. Announcements that come meanwhile become one: the newest.
 */
import type { CandidateTerms, Hint } from "bouncer-bridge/protocol";
import { hashBundle } from "../bundle/bundle.ts";
import { backoffMs, type Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { toAppError } from "./failure.ts";
import type { Fetcher } from "./fetch.ts";
import type { Outcome } from "./report.ts";
import type { Receiver } from "./source.ts";

export const pullBackoff = { baseMs: 500, capMs: 30_000 } as const;

export interface FollowerOptions {
  readonly bundle: string;
  /** Of the bridge; a hint never leads elsewhere. */
  readonly syncUrl: URL;
  readonly fetcher: Fetcher;
  readonly receiver: Pick<Receiver, "active" | "activate" | "candidate">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** After every attempt. */
  readonly onOutcome: () => void;
}

export interface Follower {
  want(hint: Hint): void;
  /** Pulls what is at the URL now, announced or not. */
  refresh(target: URL): Promise<void>;
  outcome(): Outcome;
  /** What went wrong last; null when all went well. */
  error(): AppError | null;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

interface CandidateFailure {
  readonly terms: CandidateTerms;
  readonly error: AppError;
}

export function createFollower(options: FollowerOptions): Follower {
  const { bundle, syncUrl, fetcher, receiver, clock, signal } = options;
  /** The newest announcement that has not been followed yet. */
  let wanted: Hint | null = null;
  let pulling: Promise<void> | null = null;
  let wake = new AbortController();
  let failure: AppError | null = null;
  let candidateFailure: CandidateFailure | null = null;

  async function pull(hinted: string, sha256: string): Promise<Uint8Array> {
    const target = resolveHint(syncUrl, hinted);
    const fetched = await fetcher.fetch(target, { signal });
    const bytes = fetched.kind === "bundle" ? fetched.bytes : new Uint8Array();
    const found = hashBundle(bytes);
    if (found === sha256) return bytes;
    // It may have been replaced meanwhile; then another hint is on its way.
    throw new AppError(
      "bundle_unreachable",
      `Cannot accept bundle "${target.href}": its SHA-256 is ${found}, announced was ${sha256}`,
    );
  }

  async function followBundle({ url, sha256 }: Hint): Promise<void> {
    if (receiver.active(bundle)?.sha256 === sha256) return;
    await receiver.activate(await pull(url, sha256), bundle);
  }

  async function followCandidate(terms: CandidateTerms | null): Promise<void> {
    const load = (): Promise<Uint8Array> =>
      terms === null ? Promise.resolve(new Uint8Array()) : pull(terms.url, terms.sha256);
    await receiver.candidate(bundle, terms === null ? null : { terms, load });
  }

  /** True when trying again could help. */
  async function follow(hint: Hint): Promise<boolean> {
    const error = await attempt(() => followBundle(hint));
    const { candidate: terms } = hint;
    const candidateError = await attempt(() => followCandidate(terms));
    if (signal.aborted) return false;
    failure = error;
    candidateFailure =
      candidateError === null || terms === null ? null : { terms, error: candidateError };
    options.onOutcome();
    return [error, candidateError].some((one) => one?.code === "bundle_unreachable");
  }

  async function pullWanted(): Promise<void> {
    let failures = 0;
    while (wanted !== null && !signal.aborted) {
      const hint: Hint = wanted;
      wake = new AbortController();
      const again = await follow(hint);
      if (signal.aborted) return;
      if (!again) {
        if (wanted === hint) wanted = null;
        failures = 0;
        continue;
      }
      const delayMs = backoffMs(pullBackoff, failures, clock);
      failures += 1;
      await clock.wait(delayMs, AbortSignal.any([wake.signal, signal])).catch(() => undefined);
    }
  }

  return {
    want(hint) {
      wanted = hint;
      wake.abort();
      pulling ??= pullWanted().finally(() => {
        pulling = null;
      });
    },
    async refresh(target) {
      const error = await attempt(async () => {
        const fetched = await fetcher.fetch(target, { signal });
        if (fetched.kind === "bundle") await receiver.activate(fetched.bytes, bundle);
      });
      if (signal.aborted) return;
      failure = error;
      options.onOutcome();
    },
    outcome: () => ({
      bundle,
      error: failure?.code ?? null,
      candidate:
        candidateFailure === null
          ? null
          : { terms: candidateFailure.terms, error: candidateFailure.error.code },
    }),
    error: () => failure ?? candidateFailure?.error ?? null,
    settled: async () => {
      await pulling;
    },
  };
}

/** What went wrong, or null. */
async function attempt(run: () => Promise<void>): Promise<AppError | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return toAppError(error, "bundle_unreachable");
  }
}

export function httpOrigin(url: URL): URL {
  return new URL(url.origin.replace(/^ws/, "http"));
}

/** A hint never leads elsewhere: the bearer token goes along. */
export function resolveHint(syncUrl: URL, hintUrl: string): URL {
  const origin = httpOrigin(syncUrl);
  const target = URL.canParse(hintUrl, origin.href) ? new URL(hintUrl, origin) : null;
  const isSame =
    target?.origin === origin.origin && target.username === "" && target.password === "";
  if (target === null || !isSame) {
    throw new AppError(
      "bundle_invalid",
      `Cannot follow hint to "${hintUrl}": it is not on "${origin.origin}"`,
    );
  }
  return target;
}
