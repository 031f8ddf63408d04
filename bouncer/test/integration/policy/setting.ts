/** What tests of the policy need around it: a configuration, a clock, a log, a directory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Config, parseConfig } from "../../../src/config.ts";
import type { environment } from "../../../src/contract.ts";
import type { Clock } from "../../../src/clock.ts";
import type { Decision, Policy, RequestBody, RequestHead } from "../../../src/policy/decision.ts";

type Variable = (typeof environment)[keyof typeof environment];

export function configOf(env: Readonly<Partial<Record<Variable, string>>>): Config {
  const result = parseConfig(env);
  if (result.kind === "invalid") throw new Error(result.problems.join("; "));
  return result.config;
}

export const silent = pino({ level: "silent" });

/** Collects what is logged. */
export function recordLog() {
  const lines: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => lines.push(line) });
  return { log, text: () => lines.join("") };
}

export async function useDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "bouncer-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/**
 * A clock that stands still. Waits end when the test lets them: `tick` lets the next one that is
 * asked for (or was already) pass, and moves the time on by it.
 */
export function createClock(random = 0.5) {
  let now = 1_000_000;
  const waits: { readonly ms: number; readonly pass: () => void }[] = [];
  let announce = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => now,
    random: () => random,
    wait: async (ms, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.throwIfAborted();
      const entry = { ms, pass: resolve };
      signal.addEventListener("abort", () => {
        const at = waits.indexOf(entry);
        if (at >= 0) waits.splice(at, 1);
        reject(new Error("aborted"));
      });
      waits.push(entry);
      announce.resolve();
      announce = Promise.withResolvers();
      await promise;
    },
  };
  return {
    clock,
    advance: (ms: number) => {
      now += ms;
    },
    /** Until somebody waits: whatever was under way has come to rest. */
    async rest(): Promise<void> {
      while (waits.length === 0) await announce.promise;
    },
    /** The wait that ends first, when there is one that `isWanted`. */
    async tick(isWanted: (ms: number) => boolean = () => true): Promise<number> {
      for (;;) {
        const at = waits.findIndex(({ ms }) => isWanted(ms));
        const [entry] = at < 0 ? [] : waits.splice(at, 1);
        if (entry !== undefined) {
          now += entry.ms;
          entry.pass();
          return entry.ms;
        }
        await announce.promise;
      }
    },
  };
}

export function requestOf(overrides: Partial<RequestHead> = {}): RequestHead {
  return {
    method: "GET",
    target: "/",
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "app",
    rawHeaders: ["Host", "app"],
    source: { address: "10.0.0.9", port: 40_000 },
    destination: { address: "10.0.0.1", port: 3000 },
    ...overrides,
  };
}

/** Of a policy that asks nobody and is not slow. */
export function decideNow(
  policy: Policy,
  request: RequestHead,
  body: RequestBody | null,
): Decision {
  const decision = policy.decide(request, body);
  if (decision instanceof Promise) throw new Error("the decision is not there yet");
  return decision;
}
