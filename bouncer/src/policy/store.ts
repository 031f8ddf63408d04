/**
 * The bundles that are enforced now. A set with a new bundle or delta in it is prepared beside the
 * one that is active, then takes its place in one step; whatever fails on the way leaves everything
 * as it is. Before the first bundle of every name has come, there is no policy.
 */
import { isDelta } from "../bundle/archive.ts";
import { type BundleRequirements, hashBundle, type Snapshot } from "../bundle/bundle.ts";
import { checkMembers } from "../bundle/set.ts";
import { AppError } from "../errors.ts";
import type { BundleIdentity } from "./decision.ts";

/** A set of bundles that can be asked. */
export interface PreparedSet {
  /** In the order of the snapshots. */
  readonly identities: readonly BundleIdentity[];
  /** Instances replaced after a throw, those of the warm-up left out. */
  revivals(): number;
  /** It is not asked any more. */
  close(): void;
}

export interface Active<P extends PreparedSet> {
  readonly prepared: P;
  readonly activatedAt: number;
}

export interface Store<P extends PreparedSet> {
  active(): Active<P> | null;
  /** What is held of the bundle of this name; not enforced before `active` has it. */
  held(name: string): BundleIdentity | null;
  /**
   * Takes a bundle, or a delta to the one of the same name. One at a time, in the order of the
   * calls. Throws AppError; then nothing has changed.
   */
  activate(bytes: Uint8Array, name: string): Promise<BundleIdentity>;
  /** Throws AppError for a bundle that is older than the one of its name was, where that counts. */
  accept(identity: BundleIdentity): void;
  /** What is enforced now, as bytes; null while there is no policy. */
  snapshots(): readonly Snapshot[] | null;
  /** Instances replaced after a throw, over all sets. */
  revivals(): number;
}

export interface StoreOptions<P extends PreparedSet> {
  /** Of all bundles of the set. */
  readonly names: readonly string[];
  readonly requirements: () => Promise<BundleRequirements>;
  /** Everything up to the first request; throws AppError for what cannot be enforced. */
  readonly prepare: (
    snapshots: readonly Snapshot[],
    requirements: BundleRequirements,
  ) => Promise<P>;
  readonly refuseOlder: boolean;
  /** How many deltas may change a bundle before it has to be fetched again. */
  readonly maxDeltas: number;
  readonly now: () => number;
  readonly onSwitch: (active: Active<P>) => void;
  /** A bundle without deltas became active. */
  readonly onSnapshot?: (snapshot: Snapshot) => void;
}

interface Held {
  readonly snapshot: Snapshot;
  readonly identity: BundleIdentity;
}

function refuse(reason: string): AppError {
  return new AppError("bundle_invalid", reason);
}

export function createStore<P extends PreparedSet>(options: StoreOptions<P>): Store<P> {
  const { names, maxDeltas } = options;
  let active: Active<P> | null = null;
  let held: ReadonlyMap<string, Held> = new Map();
  /** The highest serial of each bundle that was active. */
  const serials = new Map<string, number>();
  let pastRevivals = 0;
  let queue: Promise<unknown> = Promise.resolve();

  async function place(bytes: Uint8Array, name: string): Promise<Snapshot> {
    if (!(await isDelta(bytes, (await options.requirements()).limits))) {
      return { name, bytes, deltas: [] };
    }
    const present = held.get(name)?.snapshot;
    if (present === undefined) {
      throw refuse("Cannot apply delta: there is no snapshot that it could change");
    }
    if (present.deltas.length >= maxDeltas) {
      throw refuse(`Cannot apply delta: there are ${maxDeltas} already, which is the most`);
    }
    return { ...present, deltas: [...present.deltas, bytes] };
  }

  /** All bundles that there will be with this one. */
  function gather(placed: Snapshot): readonly Snapshot[] {
    return names.flatMap((name) => {
      const snapshot = name === placed.name ? placed : held.get(name)?.snapshot;
      return snapshot === undefined ? [] : [snapshot];
    });
  }

  async function replace(bytes: Uint8Array, name: string): Promise<BundleIdentity> {
    const present = held.get(name)?.identity;
    if (present?.deltas === 0 && present.sha256 === hashBundle(bytes)) return present;
    if (!names.includes(name)) {
      throw refuse(`Cannot use bundle "${name}": accepted are "${names.join('", "')}"`);
    }
    const placed = await place(bytes, name);
    const snapshots = gather(placed);
    const requirements = await options.requirements();
    const isComplete = snapshots.length === names.length;
    const prepared = isComplete ? await options.prepare(snapshots, requirements) : null;
    const identities = prepared?.identities ?? (await checkMembers(snapshots, requirements));
    const next = pair(snapshots, identities);
    let identity: BundleIdentity;
    try {
      identity = takeIdentity(next, name);
    } catch (error) {
      prepared?.close();
      throw error;
    }
    held = next;
    if (prepared !== null) enforce(prepared, [...next.values()], placed);
    return identity;
  }

  /** Of the new one, if it may be enforced. */
  function takeIdentity(set: ReadonlyMap<string, Held>, name: string): BundleIdentity {
    const identity = set.get(name)?.identity;
    if (identity === undefined) throw new Error(`the set was prepared without "${name}"`);
    accept(identity);
    return identity;
  }

  function accept(identity: BundleIdentity): void {
    if (options.refuseOlder) checkAge(identity, serials.get(identity.name) ?? null);
  }

  function enforce(prepared: P, members: readonly Held[], placed: Snapshot): void {
    pastRevivals += active?.prepared.revivals() ?? 0;
    const last = active;
    active = { prepared, activatedAt: options.now() };
    for (const { identity, snapshot } of members) {
      const { name, serial } = identity;
      if (serial !== null) serials.set(name, Math.max(serial, serials.get(name) ?? 0));
      const isNew = last === null || snapshot === placed;
      if (isNew && snapshot.deltas.length === 0) options.onSnapshot?.(snapshot);
    }
    options.onSwitch(active);
    last?.prepared.close();
  }

  return {
    active: () => active,
    held: (name) => held.get(name)?.identity ?? null,
    activate(bytes, name) {
      const next = queue.then(() => replace(bytes, name));
      queue = next.catch(() => undefined);
      return next;
    },
    accept,
    snapshots: () => (active === null ? null : [...held.values()].map(({ snapshot }) => snapshot)),
    revivals: () => pastRevivals + (active?.prepared.revivals() ?? 0),
  };
}

function pair(
  snapshots: readonly Snapshot[],
  identities: readonly BundleIdentity[],
): ReadonlyMap<string, Held> {
  return new Map(
    snapshots.flatMap((snapshot, at) => {
      const identity = identities[at];
      return identity === undefined ? [] : [[snapshot.name, { snapshot, identity }]];
    }),
  );
}

/** A signature has no date: without this, whoever can serve a bundle can serve an old one. */
export function checkAge({ name, serial, deltas }: BundleIdentity, last: number | null): void {
  const subject = `Cannot accept bundle "${name}"`;
  if (serial === null) {
    throw new AppError(
      "bundle_older",
      `${subject}: its manifest has no metadata.bouncer.serial, and POLICY_REFUSE_OLDER is set`,
    );
  }
  if (last === null) return;
  // The same bundle may come again; a delta that does would change the data once more.
  if (serial < last || (deltas > 0 && serial === last)) {
    const accepted = deltas > 0 ? `more than ${last}` : `${last} or more`;
    throw new AppError(
      "bundle_older",
      `${subject}: its serial is ${serial}, accepted is ${accepted}`,
    );
  }
}
