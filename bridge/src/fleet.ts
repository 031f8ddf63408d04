/**
 * Which bouncer runs which revision, as far as this replica knows: bouncers that are connected to
 * it, and what they reported last. Bounded by the number of connections. No I/O, no clock.
 */
import type { Identity } from "./authenticate.ts";
import type { BundleStatus, CandidateStatus, Hello, ProtocolVersion, Status } from "./protocol.ts";

export interface Report {
  /** Of the last status; counts of candidates are summed up while the candidate is the same. */
  readonly bundles: readonly BundleStatus[];
  /** Since the bouncer connected. */
  readonly decisions: number;
  readonly refused: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Member {
  /** `<namespace>/<pod>`; what the token says goes before what the bouncer says. */
  readonly bouncer: string;
  readonly subject: string;
  readonly version: string;
  readonly protocol: ProtocolVersion;
  /** File names of the bundles it enforces. */
  readonly bundles: readonly string[];
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  /** Null until the first report. */
  readonly report: Report | null;
}

export interface Connection {
  readonly identity: Identity;
  readonly address: string;
  readonly protocol: ProtocolVersion;
}

export interface RevisionCount {
  readonly bundle: string;
  readonly revision: string;
  readonly count: number;
}

export interface Fleet {
  /** A bouncer that connects again before its old connection is noticed dead takes its place. */
  join(connection: Connection, hello: Hello, at: number): void;
  report(connection: Connection, status: Status, at: number): void;
  leave(connection: Connection): void;
  list(): readonly Member[];
  countByRevision(): readonly RevisionCount[];
}

/** Revisions come from bouncers; metrics must not grow with what they send. */
const maxRevisionsCounted = 50;
const maxLabelLength = 128;

export function createFleet(): Fleet {
  const members = new Map<string, { connection: Connection; member: Member }>();
  const names = new Map<Connection, string>();

  function ownEntry(connection: Connection) {
    const name = names.get(connection);
    const entry = name === undefined ? undefined : members.get(name);
    return entry?.connection === connection ? entry : undefined;
  }

  return {
    join(connection, hello, at) {
      const bouncer = connection.identity.pod ?? hello.bouncer;
      const { version, bundles } = hello;
      const { subject } = connection.identity;
      const { address, protocol } = connection;
      const about = { bouncer, subject, version, protocol, bundles, address };
      names.set(connection, bouncer);
      members.set(bouncer, { connection, member: { ...about, connectedAt: at, report: null } });
    },
    report(connection, status, at) {
      const entry = ownEntry(connection);
      if (entry === undefined) return;
      entry.member = { ...entry.member, report: addReport(entry.member.report, status, at) };
    },
    leave(connection) {
      const entry = ownEntry(connection);
      if (entry !== undefined) members.delete(entry.member.bouncer);
      names.delete(connection);
    },
    list: () => [...members.values()].map((entry) => entry.member),
    countByRevision: () => countByRevision([...members.values()].map((entry) => entry.member)),
  };
}

function addReport(before: Report | null, status: Status, at: number): Report {
  const known = new Map(before?.bundles.map(({ bundle, candidate }) => [bundle, candidate]));
  return {
    bundles: status.bundles.map((reported) => ({
      ...reported,
      candidate: addCandidate(known.get(reported.bundle) ?? null, reported.candidate),
    })),
    decisions: (before?.decisions ?? 0) + status.decisions,
    refused: (before?.refused ?? 0) + status.refused,
    at,
  };
}

function addCandidate(before: CandidateStatus | null, now: CandidateStatus | null) {
  if (now === null || before?.sha256 !== now.sha256) return now;
  return {
    ...now,
    decisions: before.decisions + now.decisions,
    differing: before.differing + now.differing,
    wouldRefuse: before.wouldRefuse + now.wouldRefuse,
  };
}

function countByRevision(members: readonly Member[]): readonly RevisionCount[] {
  const counts = new Map<string, RevisionCount>();
  for (const { bundles, report } of members) {
    const enforced = new Map(report?.bundles.map(({ bundle, revision }) => [bundle, revision]));
    for (const name of bundles) {
      const bundle = name.slice(0, maxLabelLength);
      const revision = (enforced.get(name) ?? "none").slice(0, maxLabelLength);
      const key = JSON.stringify([bundle, revision]);
      const count = (counts.get(key)?.count ?? 0) + 1;
      counts.set(key, { bundle, revision, count });
    }
  }
  const sorted = [...counts.values()].toSorted((a, b) => b.count - a.count);
  const rest = sorted.slice(maxRevisionsCounted);
  if (rest.length === 0) return sorted;
  const count = rest.reduce((sum, row) => sum + row.count, 0);
  return [...sorted.slice(0, maxRevisionsCounted), { bundle: "other", revision: "other", count }];
}
