/**
 * Decisions that may be given again, bounded in number and in bytes. A key is looked up and kept
 * from its second sight on: where nothing repeats, a decision costs one hash of its key and no
 * memory, and before long not even that (`profit.ts`). Pure; the clock comes in.
 */
import { hashText } from "./hash.ts";
import { Profit } from "./profit.ts";

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
}

/** Of two caches. */
export function addStats(one: CacheStats, other: CacheStats): CacheStats {
  return {
    hits: one.hits + other.hits,
    misses: one.misses + other.misses,
    entries: one.entries + other.entries,
  };
}

export interface Cache<T> {
  get(key: string): T | undefined;
  /** What `get` did not give, and what it took instead. */
  set(key: string, value: T, terms: SetTerms): void;
  clear(): void;
  stats(): CacheStats;
}

export interface SetTerms {
  /** Milliseconds. */
  readonly costMs: number;
  /** For this one entry, which is then kept from its first sight on. */
  readonly ttlMs?: number;
}

export interface CacheOptions {
  /** 0 switches the cache off. */
  readonly ttlMs: number;
  /** Milliseconds; only differences are used. */
  readonly now: () => number;
  /** Of one generation; the cache holds at most two. */
  readonly maxEntries: number;
  /** Characters of all keys of one generation. */
  readonly maxKeyChars: number;
}

interface Entry<T> {
  readonly key: string;
  readonly value: T;
  readonly expiresAt: number;
}

const off: Cache<never> = {
  get: () => undefined,
  set: () => undefined,
  clear: () => undefined,
  stats: () => ({ hits: 0, misses: 0, entries: 0 }),
};

export function createCache<T>(options: CacheOptions): Cache<T> {
  return options.ttlMs > 0 ? new GenerationCache<T>(options) : off;
}

/**
 * Slots of the memory of sights, one hash each. Of two keys that share a slot the earlier is
 * forgotten: it costs one evaluation more. Two with one hash are kept early, which is harmless.
 */
const slots = 16_384;

/**
 * Entries lie under the hash of their key, which V8 would compute character by character; of two with
 * the same one the later stays. Two generations stand in for a list in order of use: what is used moves to the young one, and
 * when that is full, the old one goes as a whole. All steps are O(1) and hold no links.
 */
class GenerationCache<T> implements Cache<T> {
  readonly #options: CacheOptions;
  readonly #seen = new Int32Array(slots);
  readonly #profit = new Profit();
  #young = new Map<number, Entry<T>>();
  #old = new Map<number, Entry<T>>();
  #youngChars = 0;
  /** The key that was asked for last; null: it was not looked up. */
  #key: string | null = null;
  #hash = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  get(key: string): T | undefined {
    const entry = this.#find(key);
    if (entry !== undefined && this.#options.now() < entry.expiresAt) {
      this.#hits += 1;
      this.#profit.hit();
      return entry.value;
    }
    this.#misses += 1;
    return undefined;
  }

  set(key: string, value: T, { costMs, ttlMs }: SetTerms): void {
    if (key !== this.#key) {
      // While it does not pay, nothing is kept either.
      if (this.#profit.isResting()) return;
      // Others were asked for while this one was waited for.
      this.#look(key);
    }
    this.#profit.miss(costMs);
    const isSeen = this.#isSeen();
    this.#seen[this.#slot()] = this.#hash;
    if (!isSeen && ttlMs === undefined) return;
    const expiresAt = this.#options.now() + (ttlMs ?? this.#options.ttlMs);
    this.#insert(this.#hash, { key, value, expiresAt });
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#seen.fill(0);
    this.#youngChars = 0;
  }

  stats(): CacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      entries: this.#young.size + this.#old.size,
    };
  }

  #promote(hash: number): Entry<T> | undefined {
    const entry = this.#old.get(hash);
    if (entry === undefined) return undefined;
    this.#old.delete(hash);
    this.#insert(hash, entry);
    return entry;
  }

  #insert(hash: number, entry: Entry<T>): void {
    const { maxEntries, maxKeyChars } = this.#options;
    const { length } = entry.key;
    if (length > maxKeyChars) return;
    const replaced = this.#young.get(hash)?.key.length;
    const added = length - (replaced ?? 0);
    const isFull = replaced === undefined && this.#young.size >= maxEntries;
    if (isFull || this.#youngChars + added > maxKeyChars) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = length;
    } else {
      this.#youngChars += added;
    }
    this.#young.set(hash, entry);
  }

  #find(key: string): Entry<T> | undefined {
    if (!this.#profit.isLookedUp()) {
      this.#key = null;
      return undefined;
    }
    this.#look(key);
    if (!this.#isSeen()) return undefined;
    this.#profit.repeat();
    const entry = this.#young.get(this.#hash) ?? this.#promote(this.#hash);
    return entry?.key === key ? entry : undefined;
  }

  #look(key: string): void {
    this.#key = key;
    this.#hash = hashText(key);
  }

  #slot(): number {
    return this.#hash & (slots - 1);
  }

  #isSeen(): boolean {
    return this.#seen[this.#slot()] === this.#hash;
  }
}
