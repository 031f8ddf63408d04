/** The bridge's metrics, in a registry of its own. Names are documented in docs/reference/bridge.md. */
import { Counter, Gauge, Registry, collectDefaultMetrics } from "prom-client";
import type { RevisionCount } from "./fleet.ts";
import type { RolloutState } from "./rollouts.ts";
import type { BundleState } from "./source.ts";

export interface MetricsSources {
  readonly bundles: () => readonly BundleState[];
  readonly revisions: () => readonly RevisionCount[];
  readonly rollouts: () => readonly RolloutState[];
  /** Milliseconds since the epoch; null without a certificate. */
  readonly certificateNotAfter: () => number | null;
}

export interface Metrics {
  readonly registry: Registry;
  readonly problems: Counter<"code">;
  readonly bundleRequests: Counter<"status">;
  readonly authentications: Counter<"result">;
  readonly hints: Counter;
  readonly upstreamPulls: Counter<"result">;
  readonly decisions: Counter<"result">;
  readonly candidateDecisions: Counter<"bundle" | "result">;
  readonly dropped: Counter<"code">;
}

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const gauge of createGauges(sources)) registry.registerMetric(gauge);
  return {
    registry,
    problems: new Counter({
      name: "bouncer_bridge_problems_total",
      help: "Bundles, directories and certificates that could not be read, by code",
      labelNames: ["code"],
      registers,
    }),
    bundleRequests: new Counter({
      name: "bouncer_bridge_bundle_requests_total",
      help: "Answers on the bundle port, by HTTP status; 499: the client left",
      labelNames: ["status"],
      registers,
    }),
    authentications: new Counter({
      name: "bouncer_bridge_authentications_total",
      help: "Bearer tokens checked, by result: accepted or the code of the refusal",
      labelNames: ["result"],
      registers,
    }),
    hints: new Counter({
      name: "bouncer_bridge_hints_total",
      help: "Hints sent to bouncers",
      registers,
    }),
    upstreamPulls: new Counter({
      name: "bouncer_bridge_upstream_pulls_total",
      help: "Questions to the places of BRIDGE_UPSTREAM, by result: changed, unchanged or the code of what went wrong",
      labelNames: ["result"],
      registers,
    }),
    decisions: new Counter({
      name: "bouncer_bridge_decisions_total",
      help: "Decisions that bouncers reported, by result: allowed or refused",
      labelNames: ["result"],
      registers,
    }),
    candidateDecisions: new Counter({
      name: "bouncer_bridge_candidate_decisions_total",
      help: "Decisions that bouncers made with a candidate too, by bundle and result: same or differing",
      labelNames: ["bundle", "result"],
      registers,
    }),
    dropped: new Counter({
      name: "bouncer_bridge_dropped_total",
      help: "WebSocket connections that the bridge ended, by code",
      labelNames: ["code"],
      registers,
    }),
  };
}

/** Read at scrape time, so that they cannot disagree with what they count. */
function createGauges(sources: MetricsSources): readonly Gauge[] {
  const bouncers = new Gauge({
    name: "bouncer_bridge_bouncers",
    help: "Bouncers connected to this replica, by bundle and revision enforced",
    labelNames: ["bundle", "revision"],
    registers: [],
    collect() {
      this.reset();
      for (const { bundle, revision, count } of sources.revisions()) {
        this.set({ bundle, revision }, count);
      }
    },
  });
  const served = new Gauge({
    name: "bouncer_bridge_bundle_info",
    help: "1 for each bundle that is served, with its revision",
    labelNames: ["bundle", "revision"],
    registers: [],
    collect() {
      this.reset();
      for (const { name, bundle } of sources.bundles()) {
        if (bundle !== null) this.set({ bundle: name, revision: bundle.revision }, 1);
      }
    },
  });
  const unserved = new Gauge({
    name: "bouncer_bridge_bundle_problem",
    help: "1 for each bundle whose file is not what is served, by code",
    labelNames: ["bundle", "code"],
    registers: [],
    collect() {
      this.reset();
      for (const { name, problem } of sources.bundles()) {
        if (problem !== null) this.set({ bundle: name, code: problem.code }, 1);
      }
    },
  });
  const notAfter = new Gauge({
    name: "bouncer_bridge_certificate_expiry_timestamp_seconds",
    help: "End of the serving certificate's validity, seconds since the epoch; 0: there is none",
    registers: [],
    collect() {
      this.set((sources.certificateNotAfter() ?? 0) / 1000);
    },
  });
  return [bouncers, served, unserved, ...createRolloutGauges(sources), notAfter];
}

function createRolloutGauges(sources: MetricsSources): readonly Gauge[] {
  const percent = new Gauge({
    name: "bouncer_bridge_rollout_percent",
    help: "Percentage of bouncers that are told to enforce the candidate of a bundle; 0 when stopped",
    labelNames: ["bundle"],
    registers: [],
    collect() {
      this.reset();
      for (const rollout of sources.rollouts()) {
        this.set({ bundle: rollout.bundle }, rollout.stopped === null ? rollout.percent : 0);
      }
    },
  });
  const stopped = new Gauge({
    name: "bouncer_bridge_rollout_stopped",
    help: "1 for each bundle whose candidate a bouncer of this replica has given up, else 0",
    labelNames: ["bundle"],
    registers: [],
    collect() {
      this.reset();
      for (const rollout of sources.rollouts()) {
        this.set({ bundle: rollout.bundle }, rollout.stopped === null ? 0 : 1);
      }
    },
  });
  return [percent, stopped];
}
