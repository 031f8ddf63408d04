/** `/v1/bouncers`: what this replica serves, what its bouncers enforce, how rollouts go. Pure. */
import * as v from "valibot";
import type { Member } from "./fleet.ts";
import type { RolloutProblem, RolloutState } from "./rollouts.ts";
import type { BundleState } from "./source.ts";

export interface FleetView {
  readonly bundles: readonly BundleState[];
  readonly members: readonly Member[];
  readonly rollouts: readonly RolloutState[];
  readonly rolloutProblem: RolloutProblem | null;
}

const nullableText = v.nullable(v.string());
const problemSchema = v.nullable(v.object({ code: v.string(), message: v.string() }));

/** What readers of `/v1/bouncers` may rely on. */
export const fleetSchema = v.object({
  bundles: v.array(
    v.object({
      name: v.string(),
      revision: nullableText,
      sha256: nullableText,
      bytes: v.nullable(v.number()),
      readAt: nullableText,
      problem: problemSchema,
    }),
  ),
  rollouts: v.array(
    v.object({
      bundle: v.string(),
      candidate: v.string(),
      /** Null: the file of the candidate is not there. */
      revision: nullableText,
      sha256: nullableText,
      percent: v.number(),
      maxRefusalRateChange: v.number(),
      minDecisions: v.number(),
      stopped: v.nullable(v.object({ bouncer: v.string(), reason: v.string(), at: v.string() })),
    }),
  ),
  rolloutProblem: problemSchema,
  bouncers: v.array(
    v.object({
      bouncer: v.string(),
      subject: v.string(),
      version: v.string(),
      protocol: v.number(),
      address: v.string(),
      connectedAt: v.string(),
      reportedAt: nullableText,
      /** Since it connected; null until the first report. */
      decisions: v.nullable(v.number()),
      refused: v.nullable(v.number()),
      bundles: v.array(
        v.object({
          bundle: v.string(),
          revision: nullableText,
          sha256: nullableText,
          error: nullableText,
          /** It enforces exactly what is served under this name. */
          current: v.boolean(),
          candidate: v.nullable(
            v.object({
              revision: v.string(),
              sha256: v.string(),
              enforced: v.boolean(),
              error: nullableText,
              decisions: v.number(),
              differing: v.number(),
              wouldRefuse: v.number(),
              stopped: nullableText,
            }),
          ),
        }),
      ),
      current: v.boolean(),
    }),
  ),
});

export type FleetDescription = v.InferOutput<typeof fleetSchema>;

export function describeFleet(view: FleetView): FleetDescription {
  const served = new Map(view.bundles.map(({ name, bundle }) => [name, bundle?.sha256]));
  return {
    bundles: view.bundles.map(({ name, bundle, readAt, problem }) => ({
      name,
      revision: bundle?.revision ?? null,
      sha256: bundle?.sha256 ?? null,
      bytes: bundle?.bytes.length ?? null,
      readAt: readAt === null ? null : timestamp(readAt),
      problem,
    })),
    rollouts: view.rollouts.map(({ stopped, ...rollout }) => ({
      ...rollout,
      stopped: stopped === null ? null : { ...stopped, at: timestamp(stopped.at) },
    })),
    rolloutProblem: view.rolloutProblem,
    bouncers: view.members.map((member) => describeMember(member, served)),
  };
}

function describeMember(member: Member, served: ReadonlyMap<string, string | undefined>) {
  const { bouncer, subject, version, protocol, address, connectedAt, report } = member;
  const bundles = member.bundles.map((name) => {
    const found = report?.bundles.find(({ bundle }) => bundle === name);
    const { revision = null, sha256 = null, error = null, candidate = null } = found ?? {};
    const current = sha256 !== null && sha256 === served.get(name);
    return { bundle: name, revision, sha256, error, current, candidate };
  });
  return {
    bouncer,
    subject,
    version,
    protocol,
    address,
    connectedAt: timestamp(connectedAt),
    reportedAt: report === null ? null : timestamp(report.at),
    decisions: report?.decisions ?? null,
    refused: report?.refused ?? null,
    bundles,
    current: bundles.every(({ current }) => current),
  };
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
