/**
 * What `/metrics` shows. Labels have closed sets of values: reasons and codes of `errors.ts`. With
 * `counted-histogram.ts`, the only importer of prom-client.
 */
import { Counter, Gauge, Registry } from "prom-client";
import type { CandidateStatus, PolicyStatus } from "../policy/decision.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { CountedHistogram } from "./counted-histogram.ts";
import { durationBounds, evaluationBounds, sumTallies, Tally, type TallyState } from "./tally.ts";

/** The threads that carry requests, beside the main one. */
export interface ThreadSource {
  /** What they had counted when they were looked at last, and what ended ones had. */
  tallies(): readonly TallyState[];
  /** Asks all of them. Never rejects. */
  look(): Promise<void>;
  /** With the main one. */
  serving(): number;
  failures(): number;
}

export interface MetricSources {
  readonly version: string;
  readonly policy: () => PolicyStatus;
  readonly inFlight: () => number;
  readonly connections: () => number;
  /** Absent: there are no others. */
  readonly threads?: ThreadSource | null;
}

export interface Metrics {
  observe(report: ExchangeReport): void;
  countDroppedRecords(records: number): void;
  countDroppedSpans(spans: number): void;
  readonly contentType: string;
  render(): Promise<string>;
  /** Names and what they mean, for the reference. */
  describe(): Promise<readonly { readonly name: string; readonly help: string }[]>;
}

function seconds(ms: number): number {
  return ms / 1000;
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const tally = new Tally();
  const tallies = (): TallyState => sumTallies([tally, ...(sources.threads?.tallies() ?? [])]);
  registerTally(registry, tallies);
  registerNamed(registry, tallies);
  const droppedRecords = new Counter({
    name: "bouncer_audit_dropped_total",
    help: "Audit records that were lost",
    registers,
  });
  const droppedSpans = new Counter({
    name: "bouncer_spans_dropped_total",
    help: "Spans that were not exported",
    registers,
  });
  registerReadings(registry, sources);
  return {
    observe: (report) => {
      tally.observe(report);
    },
    countDroppedRecords: (records) => {
      droppedRecords.inc(records);
    },
    countDroppedSpans: (spans) => {
      droppedSpans.inc(spans);
    },
    contentType: registry.contentType,
    render: async () => {
      await sources.threads?.look();
      return await registry.metrics();
    },
    describe: () => registry.getMetricsAsJSON(),
  };
}

/** What is counted elsewhere, and only shown here. */
function registerTally(registry: Registry, tallies: () => TallyState): void {
  const registers = [registry];
  const counter = (name: string, help: string, key: "requests" | "opaque"): void => {
    const labelNames = ["verdict", "reason"] as const;
    // oxlint-disable-next-line no-new -- it lives in the registry
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { verdict, reason, value } of tallies()[key].all) {
          this.inc({ verdict, reason }, value);
        }
      },
    });
  };
  counter(
    "bouncer_requests_total",
    "Requests by verdict of the policy (allow, deny, none) and reason of refusal",
    "requests",
  );
  counter(
    "bouncer_opaque_connections_total",
    "Connections on opaque ports that are over, by verdict of the policy and reason of refusal",
    "opaque",
  );
  // oxlint-disable no-new -- they live in the registry
  new CountedHistogram(
    {
      name: "bouncer_request_duration_seconds",
      help: "Time from the head of a request to the end of its response",
      labelNames: ["verdict"],
      buckets: durationBounds,
      registers,
    },
    () => tallies().durations,
  );
  new CountedHistogram(
    {
      name: "bouncer_policy_evaluation_seconds",
      help: "Time in the policy evaluator, cache hits left out",
      buckets: evaluationBounds,
      registers,
    },
    () => tallies().evaluations,
  );
  // oxlint-enable no-new
}

/** What comes seldom. */
function registerNamed(registry: Registry, tallies: () => TallyState): void {
  const registers = [registry];
  const counter = (
    [name, label]: readonly [string, string],
    help: string,
    key: "upstreamErrors" | "shadow" | "degraded" | "aborted",
  ): void => {
    // oxlint-disable-next-line no-new -- it lives in the registry
    new Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [value, number] of tallies()[key]) this.inc({ [label]: value }, number);
      },
    });
  };
  counter(
    ["bouncer_upstream_errors_total", "reason"],
    "Requests that the application did not answer, connections that it did not accept",
    "upstreamErrors",
  );
  counter(
    ["bouncer_shadow_refusals_total", "reason"],
    "Requests that only shadow mode let through, by the reason they would be refused for",
    "shadow",
  );
  counter(
    ["bouncer_degraded_requests_total", "reason"],
    "Requests to degraded routes that were let through without a decision, by reason",
    "degraded",
  );
  counter(
    ["bouncer_requests_aborted_total", "by"],
    "Requests and opaque connections that one side broke off",
    "aborted",
  );
}

/** Absent while there is no candidate; counts begin anew with each. */
function registerCandidates(registry: Registry, policy: () => PolicyStatus): void {
  const registers = [registry];
  const labelNames = ["name", "revision"] as const;
  const reading = (
    name: string,
    help: string,
    read: (candidate: CandidateStatus) => number,
  ): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        gauge.reset();
        for (const candidate of policy().candidates) {
          const { name: bundle, revision } = candidate;
          gauge.set({ name: bundle, revision }, read(candidate));
        }
      },
    });
  };
  reading(
    "bouncer_candidate_enforced",
    "1 while the candidate is enforced here, 0 while it is only compared, -1 when it was given up",
    ({ enforced, stopped }) => (stopped === null ? Number(enforced) : -1),
  );
  reading(
    "bouncer_candidate_decisions",
    "Requests that both policies decided",
    ({ decisions }) => decisions,
  );
  reading(
    "bouncer_candidate_differences",
    "Those that the two decided differently",
    ({ differing }) => differing,
  );
  reading(
    "bouncer_candidate_refusals",
    "Those that the candidate refused, or would have",
    ({ wouldRefuse }) => wouldRefuse,
  );
  reading(
    "bouncer_candidate_current_refusals",
    "Those that the current policy refused, or would have",
    ({ currentRefused }) => currentRefused,
  );
}

/** Values that are read when somebody asks for them. */
function registerReadings(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    // oxlint-disable-next-line no-new -- it lives in the registry
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const counter = (name: string, help: string, read: () => number): void => {
    // oxlint-disable-next-line no-new -- it lives in the registry
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const { policy } = sources;
  new Gauge({
    name: "bouncer_build_info",
    help: "1, with the version",
    labelNames: ["version"] as const,
    registers,
  }).set({ version: sources.version }, 1);
  const bundle = new Gauge({
    name: "bouncer_policy_info",
    help: "1 for each bundle that is enforced; absent when there is none",
    labelNames: ["name", "revision", "sha256"] as const,
    registers,
    collect() {
      bundle.reset();
      for (const { name, revision, sha256 } of policy().bundles) {
        bundle.set({ name, revision, sha256 }, 1);
      }
    },
  });
  gauge(
    "bouncer_policy_activated_timestamp_seconds",
    "When the bundle was activated; 0 when there is none",
    () => seconds(policy().activatedAt ?? 0),
  );
  gauge("bouncer_policy_sync_connected", "1 while the source of bundles is in reach", () =>
    policy().sync.connected ? 1 : 0,
  );
  counter(
    "bouncer_policy_revivals_total",
    "Evaluator instances thrown away after an error",
    () => policy().revivals,
  );
  counter(
    "bouncer_policy_timeouts_total",
    "Decisions that there was no time for",
    () => policy().timeouts,
  );
  registerCandidates(registry, policy);
  counter(
    "bouncer_cache_hits_total",
    "Decisions answered from the cache",
    () => policy().cache.hits,
  );
  counter(
    "bouncer_cache_misses_total",
    "Decisions that were evaluated",
    () => policy().cache.misses,
  );
  gauge("bouncer_cache_entries", "Decisions in the cache", () => policy().cache.entries);
  gauge(
    "bouncer_requests_in_flight",
    "Requests, upgraded and opaque connections now",
    sources.inFlight,
  );
  gauge("bouncer_connections", "Client connections now", sources.connections);
  const { threads = null } = sources;
  gauge("bouncer_threads", "Threads that carry requests now", () => threads?.serving() ?? 1);
  counter(
    "bouncer_thread_failures_total",
    "Threads that ended unexpectedly; each is started again",
    () => threads?.failures() ?? 0,
  );
  gauge("process_resident_memory_bytes", "Memory of the process", () => process.memoryUsage.rss());
  counter("process_cpu_seconds_total", "User and system time of the process", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
