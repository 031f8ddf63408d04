/**
 * What is known about the cluster as a whole: the versions of the API server and of the oldest
 * kubelet. Both change with upgrades only, so they are read now and then rather than followed. What
 * cannot be read stays unknown, and pods are admitted all the same.
 */
import * as v from "valibot";
import { messageOf, toInjectorError } from "../errors.ts";
import type { ClusterFacts } from "../inject/injection.ts";
import { createLoop } from "../loop.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import { apiFailure, isForbidden } from "./failure.ts";
import { readOldestKubelet } from "./kubelets.ts";
import type { AskApi } from "./request.ts";
import { parseVersion } from "./version.ts";

export interface Cluster {
  versions(): Pick<ClusterFacts, "apiServer" | "oldestKubelet">;
  /** Read once, or known to be out of reach: nothing is gained by waiting longer. */
  isSettled(): boolean;
  close(): Promise<void>;
}

export interface ClusterDeps {
  readonly ask: AskApi;
  readonly timer: Timer;
  readonly log: Log;
}

const intervalMs = 5 * 60_000;
const retryMs = 1000;
/** Failures after which the webhook serves without the fact. */
const patience = 3;

export function createCluster(deps: ClusterDeps): Cluster {
  const apiServer = createFact("version of the API server", () => readVersion(deps.ask), deps);
  const kubelet = createFact("oldest kubelet", () => readOldestKubelet(deps.ask), deps);
  return {
    versions: () => ({ apiServer: apiServer.value(), oldestKubelet: kubelet.value() }),
    isSettled: () => apiServer.isSettled() && kubelet.isSettled(),
    close: async () => {
      await Promise.all([apiServer.close(), kubelet.close()]);
    },
  };
}

const versionSchema = v.object({ gitVersion: v.string() });

async function readVersion(ask: AskApi): Promise<string | null> {
  try {
    const { gitVersion } = v.parse(versionSchema, await ask({ method: "GET", path: "/version" }));
    return parseVersion(gitVersion);
  } catch (error) {
    throw apiFailure("read the version of the API server", error);
  }
}

interface Fact {
  value(): string | null;
  isSettled(): boolean;
  close(): Promise<void>;
}

function createFact(
  fact: string,
  read: () => Promise<string | null>,
  { timer, log }: ClusterDeps,
): Fact {
  let value: string | null = null;
  let forbidden = false;
  let attemptsLeft = patience;

  const learn = (next: string | null): void => {
    if (next !== value || forbidden) log.info({ fact, value: next }, "cluster fact read");
    value = next;
    forbidden = false;
    attemptsLeft = 0;
  };
  const refresh = async (): Promise<void> => {
    try {
      learn(await read());
    } catch (error) {
      attemptsLeft -= 1;
      if (!isForbidden(error)) throw error;
      // A right that is missing comes with the next helm upgrade, not within seconds.
      attemptsLeft = 0;
      if (!forbidden) log.warn({ fact, detail: messageOf(error) }, "cluster fact forbidden");
      forbidden = true;
      value = null;
    }
  };
  const loop = createLoop({
    task: refresh,
    onError: (error) => {
      const { code, message } = toInjectorError(error);
      log.warn({ fact, code, detail: message }, "cluster fact not read");
    },
    intervalMs,
    retryMs,
    timer,
  });
  return {
    value: () => value,
    isSettled: () => attemptsLeft <= 0,
    close: () => loop.close(),
  };
}
