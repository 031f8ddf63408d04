/**
 * What built-in functions ask of the network, answered between two evaluations of a query:
 * `http.send` and `net.lookup_ip_addr`. Bounded in all that a policy could want too much of.
 */
import { randomInt } from "node:crypto";
import type { Call } from "../builtin.ts";
import { RegoSet, type Value } from "../value.ts";
import { createAgents } from "./agents.ts";
import { createResponseCache } from "./cache.ts";
import { createGate } from "./gate.ts";
import { createGuard, type GuardRules } from "./guard.ts";
import { callHttp, type HttpCallDeps } from "./http-call.ts";
import { createResolver, type Lookup, systemLookup } from "./resolve.ts";
import type { TlsSources } from "./tls.ts";

export interface NetworkOptions {
  /** Where `http.send` may connect to. */
  readonly rules: GuardRules;
  /** Where certificates and keys come from that requests do not have in them. */
  readonly tls: TlsSources;
  readonly maxBodyBytes: number;
  /** Names to addresses; the system's resolver when there is none. */
  readonly lookup?: Lookup;
  readonly maxCalls?: number;
  readonly maxCacheEntries?: number;
  readonly maxCacheBytes?: number;
}

export interface Network {
  /**
   * null: it failed, which is undefined in Rego. Never rejects. `now` is the query's time, in
   * nanoseconds since the epoch; when the signal fires, the answer is null at once.
   */
  call(call: Call, now: bigint, signal: AbortSignal): Promise<Value | null>;
  close(): Promise<void>;
}

const defaults = { maxCalls: 64, maxCacheEntries: 1000, maxCacheBytes: 16 * 1024 * 1024 };
/** Requests with different certificates, authorities or server names; the default one is one. */
const maxAgents = 16;
const randomRange = 2 ** 32;

function random(): number {
  return randomInt(randomRange) / randomRange;
}

export function createNetwork(options: NetworkOptions): Network {
  const { rules, tls, maxBodyBytes, lookup, ...given } = options;
  const { maxCalls, maxCacheEntries, maxCacheBytes } = { ...defaults, ...given };
  const gate = createGate(maxCalls);
  const guard = createGuard(rules);
  const resolver = createResolver(lookup ?? systemLookup);
  const agents = createAgents({ guard, resolver, maxAgents });
  const cache = createResponseCache({ maxEntries: maxCacheEntries, maxBytes: maxCacheBytes });
  const deps: HttpCallDeps = { agents, guard, cache, tls, maxBodyBytes, random };
  const perform = async (call: Call, now: bigint, signal: AbortSignal): Promise<Value | null> => {
    const [operand] = call.operands;
    switch (call.name) {
      case "http.send":
        return await callHttp(operand, { now, signal }, deps);
      case "net.lookup_ip_addr":
        return typeof operand === "string"
          ? new RegoSet(await resolver.resolve(operand, signal))
          : null;
      default:
        return null;
    }
  };
  return {
    async call(call, now, signal) {
      try {
        return await gate.run(() => perform(call, now, signal), signal);
      } catch {
        return null;
      }
    },
    close: () => agents.close(),
  };
}
