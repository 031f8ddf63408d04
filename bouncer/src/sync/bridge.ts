/**
 * Follows a bridge: keeps one link up, follows what is announced, and says what became of it. An
 * announcement is only a hint where to look: size, hash, signature and origin are checked here.
 */
import { hostname } from "node:os";
import {
  type BouncerMessage,
  bundlesPath,
  closeCode,
  type Hint,
  type ProtocolVersion,
  protocolVersion,
  statusIntervalMs,
  syncPath,
} from "bouncer-bridge/protocol";
import { backoffMs } from "../clock.ts";
import { bundleNamesOf } from "../bundle/requirements.ts";
import type { AppError } from "../errors.ts";
import { toAppError } from "./failure.ts";
import { createFollower, httpOrigin } from "./follower.ts";
import { type LinkEnd, runLink } from "./link.ts";
import { createReporter } from "./report.ts";
import type { Sync, SyncDeps } from "./source.ts";

export const bridgeTiming = {
  reconnect: { baseMs: 1000, capMs: 30_000 },
  /** A link that lasted this long was a good one: the next outage starts from the beginning. */
  stableMs: 30_000,
} as const;

export function createBridgeSync(deps: SyncDeps, url: URL): Sync {
  const { config, clock, receiver, fetcher, log } = deps;
  const stop = new AbortController();
  const names = bundleNamesOf(config);
  const reporter = createReporter(receiver);
  let send: ((message: BouncerMessage) => void) | null = null;

  const followers = names.map((bundle) =>
    createFollower({
      bundle,
      syncUrl: url,
      fetcher,
      receiver,
      clock,
      signal: stop.signal,
      onOutcome: () => {
        receiver.report(firstError());
        tell();
      },
    }),
  );

  function firstError(): AppError | null {
    return followers.map((follower) => follower.error()).find((error) => error !== null) ?? null;
  }

  /** While there is no link, a status has no reader: what it counts goes into the next one. */
  function tell(): void {
    send?.(reporter.take(followers.map((follower) => follower.outcome())));
  }

  function want(hint: Hint): void {
    followers[names.indexOf(hint.bundle)]?.want(hint);
  }

  async function refresh(): Promise<void> {
    const prefix = url.pathname.endsWith(syncPath) ? url.pathname.slice(0, -syncPath.length) : "";
    await Promise.all(
      followers.map(async (follower, index) => {
        const target = httpOrigin(url);
        target.pathname = `${prefix}${bundlesPath}${names[index] ?? ""}`;
        await follower.refresh(target);
      }),
    );
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
      bundles: names,
    });
  }

  /** Counts are worth a message now and then only. */
  async function tellCounts(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await clock.wait(statusIntervalMs, ended).catch(() => undefined);
      if (!ended.aborted && reporter.hasNews()) tell();
    }
  }

  async function connect(version: ProtocolVersion): Promise<LinkEnd | AppError> {
    const ended = new AbortController();
    const telling = tellCounts(AbortSignal.any([ended.signal, stop.signal]));
    try {
      return await runLink({
        config,
        url,
        clock,
        signal: stop.signal,
        version,
        bundles: names,
        onOpen: greet,
        onHint: want,
        onUnknown: () => log.warn({ url: url.href }, "message of the bridge not understood"),
      });
    } catch (error) {
      return toAppError(error, "sync_unreachable");
    } finally {
      send = null;
      receiver.connected(false);
      ended.abort();
      await telling;
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    let version: ProtocolVersion = protocolVersion;
    while (!stop.signal.aborted) {
      const startedAt = clock.now();
      const end = await connect(version);
      if (stop.signal.aborted) return;
      if (version === protocolVersion && isOlder(end)) {
        version = 1;
        log.warn(
          { url: url.href, bundle: names[0] },
          "bridge of version 1: one bundle is followed",
        );
        continue;
      }
      // Which replica answers next, and of which version, is not known.
      version = protocolVersion;
      if (end instanceof Error) receiver.report(end);
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
    changed: tell,
    close: async () => {
      stop.abort();
      await Promise.all([running, ...followers.map((follower) => follower.settled())]);
    },
  };
}

/** How bridges of version 1 answer a hello of a later one: they see its shape before its version. */
const olderReasons: readonly string[] = ["protocol_unsupported", "message_invalid"];

function isOlder(end: LinkEnd | AppError): boolean {
  if (end instanceof Error) return false;
  return (
    end.code === closeCode.policyViolation && olderReasons.includes(end.reason) && !end.wasHinted
  );
}
