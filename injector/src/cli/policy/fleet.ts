/**
 * One view of the fleet out of what every replica of the bridge knows: each bouncer follows one of
 * them, and the one that heard of it last is right. Pure.
 */
import type { FleetDescription } from "bouncer-bridge/view";
import type { Replica } from "./replicas.ts";

type Bouncer = FleetDescription["bouncers"][number];
type Bundle = FleetDescription["bundles"][number];
type Rollout = FleetDescription["rollouts"][number];

export interface PolicyStatus {
  /** What is served, and by how many replicas: two rows of one name are a change under way. */
  readonly bundles: readonly (Bundle & { readonly replicas: number })[];
  readonly rollouts: readonly Rollout[];
  readonly bouncers: readonly Bouncer[];
  /** Replicas that could not be asked, and files that cannot be used. */
  readonly problems: readonly string[];
}

/** `namespace`: only bouncers of it; null: all. */
export function joinReplicas(replicas: readonly Replica[], namespace: string | null): PolicyStatus {
  const fleets = replicas.flatMap(({ fleet }) => (fleet === null ? [] : [fleet]));
  const all = joinBouncers(fleets.flatMap(({ bouncers }) => bouncers));
  return {
    bundles: joinBundles(fleets.flatMap(({ bundles }) => bundles)),
    rollouts: joinRollouts(fleets.flatMap(({ rollouts }) => rollouts)),
    bouncers: all.filter(
      ({ bouncer }) => namespace === null || bouncer.startsWith(`${namespace}/`),
    ),
    problems: [...new Set(replicas.flatMap(findProblems))],
  };
}

function findProblems({ pod, fleet, problem }: Replica): readonly string[] {
  if (fleet === null) return [`${pod}: ${problem ?? "no answer"}`];
  const broken = fleet.bundles.flatMap((bundle) =>
    bundle.problem === null ? [] : [`${bundle.name}: ${bundle.problem.message}`],
  );
  return fleet.rolloutProblem === null ? broken : [...broken, fleet.rolloutProblem.message];
}

function joinBundles(bundles: readonly Bundle[]): PolicyStatus["bundles"] {
  const joined = new Map<string, Bundle & { readonly replicas: number }>();
  for (const bundle of bundles) {
    const key = JSON.stringify([bundle.name, bundle.sha256]);
    joined.set(key, { ...bundle, replicas: (joined.get(key)?.replicas ?? 0) + 1 });
  }
  return [...joined.values()].toSorted((one, other) => compare(one.name, other.name));
}

/** A replica that heard of a stop knows more than one that did not. */
function joinRollouts(rollouts: readonly Rollout[]): readonly Rollout[] {
  const joined = new Map<string, Rollout>();
  for (const rollout of rollouts) {
    const key = JSON.stringify([rollout.bundle, rollout.candidate, rollout.sha256]);
    if (!joined.has(key) || rollout.stopped !== null) joined.set(key, rollout);
  }
  return [...joined.values()].toSorted((one, other) => compare(one.bundle, other.bundle));
}

/** One that changed replicas is known to both for a while. */
function joinBouncers(bouncers: readonly Bouncer[]): readonly Bouncer[] {
  const joined = new Map<string, Bouncer>();
  for (const bouncer of bouncers) {
    const known = joined.get(bouncer.bouncer);
    if (known === undefined || known.connectedAt < bouncer.connectedAt) {
      joined.set(bouncer.bouncer, bouncer);
    }
  }
  return [...joined.values()].toSorted((one, other) => compare(one.bouncer, other.bouncer));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** Something is not as it is meant to be. */
export function isBehind({ bouncers, rollouts, problems }: PolicyStatus): boolean {
  return (
    problems.length > 0 ||
    bouncers.some(({ current }) => !current) ||
    bouncers.some(({ bundles }) => bundles.some(({ candidate }) => isGivenUp(candidate))) ||
    rollouts.some(({ stopped }) => stopped !== null)
  );
}

function isGivenUp(candidate: Bouncer["bundles"][number]["candidate"]): boolean {
  return candidate !== null && candidate.stopped !== null;
}
