/**
 * Which bouncer runs which revision, as far as this replica knows: bouncers that are connected to
 * it, and what they reported last. Bounded by the number of connections. No I/O, no clock.
 */
import type { Identity } from "./authenticate.ts";
import type { Hello, Status } from "./protocol.ts";

export interface Member {
  /** `<namespace>/<pod>`; what the token says goes before what the bouncer says. */
  readonly bouncer: string;
  readonly subject: string;
  readonly version: string;
  /** File name of the bundle it enforces. */
  readonly bundle: string;
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  /** Null until the first report. */
  readonly report: (Pick<Status, "revision" | "sha256" | "error"> & { readonly at: number }) | null;
}

export interface Connection {
  readonly identity: Identity;
  readonly address: string;
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
      const { version, bundle } = hello;
      const { subject } = connection.identity;
      const { address } = connection;
      names.set(connection, bouncer);
      members.set(bouncer, {
        connection,
        member: { bouncer, subject, version, bundle, address, connectedAt: at, report: null },
      });
    },
    report(connection, { revision, sha256, error }, at) {
      const entry = ownEntry(connection);
      if (entry === undefined) return;
      entry.member = { ...entry.member, report: { revision, sha256, error, at } };
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

function countByRevision(members: readonly Member[]): readonly RevisionCount[] {
  const counts = new Map<string, RevisionCount>();
  for (const member of members) {
    const bundle = member.bundle.slice(0, maxLabelLength);
    const revision = (member.report?.revision ?? "none").slice(0, maxLabelLength);
    const key = JSON.stringify([bundle, revision]);
    const count = (counts.get(key)?.count ?? 0) + 1;
    counts.set(key, { bundle, revision, count });
  }
  const sorted = [...counts.values()].toSorted((a, b) => b.count - a.count);
  const rest = sorted.slice(maxRevisionsCounted);
  if (rest.length === 0) return sorted;
  const count = rest.reduce((sum, row) => sum + row.count, 0);
  return [...sorted.slice(0, maxRevisionsCounted), { bundle: "other", revision: "other", count }];
}
