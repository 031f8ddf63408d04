/**
 * How long a connection may be in each of its phases; told by whoever looks at it now and then, so
 * that no request pays for timers. Pure.
 */

/** What a connection waits for; null: for the application, or for the policy. */
export type Phase = "idle" | "head" | "unwanted" | "sending" | "half-closed" | "lingering" | null;

/** Milliseconds: in a phase as a whole, and in it without a byte. */
export interface Limit {
  readonly wholeMs: number;
  readonly silentMs: number;
}

export type Limits = Readonly<Record<Exclude<Phase, null>, Limit>>;

const forever = Number.POSITIVE_INFINITY;

export interface PatienceOptions {
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly halfClosedMs: number;
}

export function createLimits(options: PatienceOptions): Limits {
  const { headTimeoutMs, idleTimeoutMs, halfClosedMs } = options;
  return {
    idle: { wholeMs: idleTimeoutMs, silentMs: forever },
    head: { wholeMs: headTimeoutMs, silentMs: forever },
    // The rest of a body whose request was answered.
    unwanted: { wholeMs: 30_000, silentMs: 5000 },
    // An answer, on its way to a client that does not take it.
    sending: { wholeMs: forever, silentMs: idleTimeoutMs },
    "half-closed": { wholeMs: forever, silentMs: halfClosedMs },
    // Until the client closes its side, too (RFC 9112, 9.6).
    lingering: { wholeMs: 2000, silentMs: forever },
  };
}

export class Patience {
  readonly #limits: Limits;
  #phase: Phase = null;
  #round = 0;
  #progress = 0;
  #since = 0;
  #silentSince = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Whether the phase has lasted too long at `now`. `round` and `progress` are counters: another
   * round begins a phase anew, progress ends a silence.
   */
  isOver(now: number, phase: Phase, round: number, progress: number): boolean {
    if (phase !== this.#phase || round !== this.#round) {
      this.#phase = phase;
      this.#round = round;
      this.#since = now;
      this.#silentSince = now;
    }
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#silentSince = now;
    }
    if (phase === null) return false;
    const { wholeMs, silentMs } = this.#limits[phase];
    return now - this.#since >= wholeMs || now - this.#silentSince >= silentMs;
  }
}
