/**
 * Follows a bridge: keeps one link up, pulls what is announced, and says what became of it. An
 * announcement is only a hint where to look: size, hash, signature and origin are checked here.
 */
import { hostname } from "node:os";
import {
  type BouncerMessage,
  bundlesPath,
  type Hint,
  protocolVersion,
  syncPath,
} from "bouncer-bridge/protocol";
import { AppError, type FailureCode } from "../errors.ts";
import { toAppError } from "./access.ts";
import { hashBundle } from "../bundle/bundle.ts";
import { backoffMs } from "../clock.ts";
import { runLink } from "./link.ts";
import { bundleNameOf } from "../bundle/requirements.ts";
import type { Sync, SyncDeps } from "./source.ts";

export const bridgeTiming = {
  reconnect: { baseMs: 1000, capMs: 30_000 },
  /** A link that lasted this long was a good one: the next outage starts from the beginning. */
  stableMs: 30_000,
  pull: { baseMs: 500, capMs: 30_000 },
} as const;

export function createBridgeSync(deps: SyncDeps, url: URL): Sync {
  const { config, clock, receiver, fetcher, log } = deps;
  const stop = new AbortController();
  const name = bundleNameOf(config.policyBundleUrl);
  let send = discard;
  /** The newest announcement that has not been followed yet. */
  let wanted: Hint | null = null;
  let pulling: Promise<void> | null = null;
  let wake = new AbortController();

  function report(error: AppError | null): void {
    receiver.report(error);
    const active = receiver.active();
    const [revision, sha256] = [active?.revision ?? null, active?.sha256 ?? null];
    send({ kind: "status", revision, sha256, error: error?.code ?? null });
  }

  function want(hint: Hint): void {
    wanted = hint;
    wake.abort();
    pulling ??= pullWanted().finally(() => {
      pulling = null;
    });
  }

  async function pullWanted(): Promise<void> {
    let failures = 0;
    while (wanted !== null && !stop.signal.aborted) {
      const hint: Hint = wanted;
      wake = new AbortController();
      const error = await attempt("bundle_unreachable", () => followHint(hint));
      if (stop.signal.aborted) return;
      report(error);
      const isDone = error === null || error.code !== "bundle_unreachable";
      if (isDone && wanted === hint) wanted = null;
      failures = error === null ? 0 : failures + 1;
      if (isDone) continue;
      const delayMs = backoffMs(bridgeTiming.pull, failures, clock);
      await clock.wait(delayMs, AbortSignal.any([wake.signal, stop.signal])).catch(() => undefined);
    }
  }

  async function followHint(hint: Hint): Promise<void> {
    if (receiver.active()?.sha256 === hint.sha256) return;
    const target = resolveHint(url, hint.url);
    const fetched = await fetcher.fetch(target, { signal: stop.signal });
    const bytes = fetched.kind === "bundle" ? fetched.bytes : new Uint8Array();
    const sha256 = hashBundle(bytes);
    if (sha256 !== hint.sha256) {
      // It may have been replaced meanwhile; then another hint is on its way.
      throw new AppError(
        "bundle_unreachable",
        `Cannot accept bundle "${target.href}": its SHA-256 is ${sha256}, announced was ${hint.sha256}`,
      );
    }
    await receiver.activate(bytes, name);
  }

  async function refresh(): Promise<void> {
    const target = httpOrigin(url);
    const prefix = url.pathname.endsWith(syncPath) ? url.pathname.slice(0, -syncPath.length) : "";
    target.pathname = `${prefix}${bundlesPath}${name}`;
    const error = await attempt("bundle_unreachable", async () => {
      const fetched = await fetcher.fetch(target, { signal: stop.signal });
      if (fetched.kind === "bundle") await receiver.activate(fetched.bytes, name);
    });
    if (!stop.signal.aborted) report(error);
  }

  function greet(sendMessage: (message: BouncerMessage) => void): void {
    send = sendMessage;
    receiver.connected(true);
    const pod = config.podName === "" ? hostname() : config.podName;
    send({
      kind: "hello",
      protocol: protocolVersion,
      bouncer: `${config.podNamespace}/${pod}`,
      version: deps.version,
      bundle: name,
    });
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      const startedAt = clock.now();
      const error = await attempt("sync_unreachable", () =>
        runLink({
          config,
          url,
          clock,
          signal: stop.signal,
          onOpen: greet,
          onHint: want,
          onUnknown: () => log.warn({ url: url.href }, "message of the bridge not understood"),
        }),
      );
      send = discard;
      receiver.connected(false);
      if (stop.signal.aborted) return;
      if (error !== null) receiver.report(error);
      if (clock.now() - startedAt >= bridgeTiming.stableMs) failures = 0;
      const delayMs = backoffMs(bridgeTiming.reconnect, failures, clock);
      failures += 1;
      await clock.wait(delayMs, stop.signal).catch(() => undefined);
    }
  }

  const running = run();
  return {
    kind: "bridge",
    refresh,
    close: async () => {
      stop.abort();
      await Promise.all([running, pulling]);
    },
  };
}

/** While there is no link, a report has no reader. */
function discard(_message: BouncerMessage): void {}

/** What went wrong, or null. */
async function attempt(code: FailureCode, run: () => Promise<void>): Promise<AppError | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return toAppError(error, code);
  }
}

function httpOrigin(url: URL): URL {
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
