/**
 * The threads beside the main one: started, handed each set of bundles before anybody decides by it,
 * started again when they end, stopped together. Requests go on in the others meanwhile; what one of
 * them cannot decide is refused.
 */
import type { Environment } from "bouncer-environment/table";
import type { Labels } from "../audit/event.ts";
import type { Route } from "../config.ts";
import { type Backoff, backoffMs, type Clock, systemClock } from "../clock.ts";
import type { SlowLane } from "../evaluation/slow-lane.ts";
import type { Prepared } from "../evaluation/prepare.ts";
import type { ServerLimits } from "../http/message.ts";
import type { Compared } from "../policy/candidate.ts";
import type { LoadedSet } from "../policy/loaded.ts";
import type { Deciders, Spread, SpreadCounts, SpreadSet } from "../policy/spread.ts";
import type { SharedCount } from "../proxy/in-flight.ts";
import type { Log } from "../telemetry/log.ts";
import type { ThreadSource } from "../telemetry/metrics.ts";
import { sumTallies, type TallyState } from "../telemetry/tally.ts";
import { Board } from "./board.ts";
import { addSpreadCounts, noSpreadCounts } from "../policy/spread-counts.ts";
import { Member, type MemberServices, type StartWorker, startWorker } from "./member.ts";
import { findPorts } from "./ports.ts";
import { evaluateFor } from "./slow-lane.ts";

export const restartBackoff: Backoff = { baseMs: 200, capMs: 30_000 };
/** A thread that lasted this long was a good one. */
const stableMs = 30_000;

export interface PoolOptions {
  /** With the main one; at least 2. */
  readonly threads: number;
  readonly environment: Environment;
  readonly version: string;
  readonly log: Log;
  readonly limits: ServerLimits | undefined;
  readonly clock?: Clock;
  readonly startWorker?: StartWorker;
}

export interface PoolStart extends Pick<
  MemberServices,
  "ledger" | "writeLine" | "loseSpans" | "admin"
> {
  /** With the ports that there are. */
  readonly routes: readonly Route[];
  readonly labels: Labels | null;
}

/** As a set is known to the other threads. */
interface Known {
  readonly id: number;
  readonly prepared: Prepared;
  readonly slowLane: SlowLane;
}

/** One place in the pool, whoever has it now. */
interface Seat {
  readonly index: number;
  member: Member | null;
  /** In a row. */
  failures: number;
}

export class Pool implements Spread, ThreadSource {
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #board: Board;
  readonly #seats: readonly Seat[];
  readonly #sets = new Map<LoadedSet, Known>();
  readonly #ending = new AbortController();
  #services: { readonly start: PoolStart; readonly member: MemberServices } | null = null;
  #lastId = 0;
  #failures = 0;
  #onCompared: (set: LoadedSet, compared: Compared) => void = () => undefined;
  /** Of threads that have ended. */
  #past: { counts: SpreadCounts; tally: TallyState | null } = {
    counts: noSpreadCounts,
    tally: null,
  };

  constructor(options: PoolOptions) {
    const { threads, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#board = new Board(threads);
    this.#seats = Array.from({ length: threads - 1 }, (_, at) => ({
      index: at + 1,
      member: null,
      failures: 0,
    }));
  }

  /** What is under way in all threads; `set` is for the main one. */
  readonly shared: SharedCount = {
    set: (count) => this.#board.setUnderWay(0, count),
    total: () => this.#board.countUnderWay(),
  };

  /** The routes with the ports that there are, for `start`. Throws AppError when one is taken. */
  readonly findPorts = findPorts;

  /** Resolves when all of them listen. Throws AppError when one does not. */
  async start(start: PoolStart): Promise<void> {
    const { ledger, writeLine, loseSpans, admin } = start;
    const evaluate: MemberServices["evaluate"] = async (question) =>
      await evaluateFor(question, this.#find(question.set)?.[1].slowLane ?? null);
    const onCompared: MemberServices["onCompared"] = (id, compared) => {
      const set = this.#find(id)?.[0];
      if (set !== undefined) this.#onCompared(set, compared);
    };
    const member = { ledger, writeLine, loseSpans, admin, evaluate, onCompared };
    this.#services = { start, member };
    await Promise.all(this.#seats.map((seat) => this.#begin(seat)));
  }

  async #begin(seat: Seat): Promise<void> {
    if (this.#services === null) throw new Error("the pool has not been started");
    const { threads, environment, version, limits } = this.#options;
    const { routes, labels } = this.#services.start;
    const { memory: board } = this.#board;
    const { index } = seat;
    const member = new Member(
      { index, threads, board, environment, routes, limits, version, labels },
      this.#services.member,
      this.#options.startWorker ?? startWorker,
    );
    seat.member = member;
    const startedAt = this.#clock.now();
    void member.ended.then((reason) => this.#onEnd(seat, member, { reason, startedAt }));
    // Sets that are added from now on are handed to it by `add`.
    const known = [...this.#sets.values()];
    await Promise.all(known.map(({ id, prepared }) => member.stage(id, prepared)));
    await member.listen();
  }

  async #onEnd(
    seat: Seat,
    member: Member,
    { reason, startedAt }: { readonly reason: string; readonly startedAt: number },
  ): Promise<void> {
    seat.member = null;
    this.#settle(seat.index, member);
    const { signal } = this.#ending;
    if (signal.aborted) return;
    this.#failures += 1;
    const lastedMs = this.#clock.now() - startedAt;
    seat.failures = lastedMs >= stableMs ? 0 : seat.failures;
    const delayMs = backoffMs(restartBackoff, seat.failures, this.#clock);
    seat.failures += 1;
    const fields = { thread: seat.index, reason, delayMs: Math.round(delayMs) };
    this.#options.log.error(fields, "thread ended, and is started again");
    await this.#clock.wait(delayMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    // Should it not come to listen, it ends, and this begins anew.
    await this.#begin(seat).then(
      () => this.#options.log.info({ thread: seat.index }, "thread serves again"),
      () => undefined,
    );
  }

  /** What it had counted stays counted, what it had under way and held is gone. */
  #settle(index: number, { numbers, tally }: Member): void {
    const { cache } = numbers;
    const kept = { ...numbers, cache: { ...cache, entries: 0 } };
    const tallies = [this.#past.tally, tally].filter((one) => one !== null);
    this.#past = {
      counts: addSpreadCounts(this.#past.counts, kept),
      tally: tallies.length === 0 ? null : sumTallies(tallies),
    };
    const held = this.#board.countHeld(index);
    if (held > 0) {
      this.#services?.member.ledger?.lose(held, new Error("the thread that made them ended"));
    }
    this.#board.setUnderWay(index, 0);
    this.#board.setHeld(index, 0);
  }

  #members(): readonly Member[] {
    return this.#seats.flatMap(({ member }) => (member === null ? [] : [member]));
  }

  #find(id: number): readonly [LoadedSet, Known] | undefined {
    return [...this.#sets].find(([, known]) => known.id === id);
  }

  // The policy.

  async add({ set, prepared, slowLane }: SpreadSet): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#sets.set(set, { id, prepared, slowLane });
    await Promise.all(this.#members().map((member) => member.stage(id, prepared)));
  }

  remove(set: LoadedSet): void {
    const known = this.#sets.get(set);
    if (known === undefined) return;
    this.#sets.delete(set);
    for (const member of this.#members()) member.retire(known.id);
  }

  decideBy({ current, candidate }: Deciders): void {
    const idOf = (set: LoadedSet | null): number =>
      set === null ? 0 : (this.#sets.get(set)?.id ?? 0);
    const id = idOf(current);
    const isSwitch = id !== this.#board.current;
    this.#board.setDeciding({
      current: id,
      candidate: idOf(candidate?.set ?? null),
      isEnforced: candidate?.isEnforced ?? false,
    });
    if (!isSwitch) return;
    // Each set has a cache of its own, which begins at 0.
    const { counts } = this.#past;
    this.#past = { ...this.#past, counts: { ...counts, cache: noSpreadCounts.cache } };
    for (const member of this.#members()) member.switched();
  }

  counts(): SpreadCounts {
    return this.#members().reduce<SpreadCounts>(
      (sum, { numbers }) => addSpreadCounts(sum, numbers),
      this.#past.counts,
    );
  }

  onCompared(listener: (set: LoadedSet, compared: Compared) => void): void {
    this.#onCompared = listener;
  }

  // What there is to see.

  tallies(): readonly TallyState[] {
    const present = this.#members().map(({ tally }) => tally);
    return [this.#past.tally, ...present].filter((tally) => tally !== null);
  }

  async look(): Promise<void> {
    await Promise.all(this.#members().map((member) => member.look()));
  }

  serving(): number {
    return 1 + this.#members().filter(({ isListening }) => isListening).length;
  }

  failures(): number {
    return this.#failures;
  }

  connections(): number {
    return this.#members().reduce((sum, { numbers }) => sum + numbers.connections, 0);
  }

  // The end.

  startDrain(): void {
    this.#board.setDraining();
  }

  /** Says whether all that was under way finished by itself. */
  async stop(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    this.#ending.abort();
    const members = this.#members();
    const hurry = (): void => {
      for (const member of members) member.hurry();
    };
    if (signal.aborted) hurry();
    else signal.addEventListener("abort", hurry);
    const finished = await Promise.all(members.map((member) => member.stop(timeoutMs)));
    return finished.every(Boolean);
  }

  /** Without waiting for anything. */
  close(): void {
    this.#ending.abort();
    for (const member of this.#members()) member.fail("the bouncer has ended");
  }
}
