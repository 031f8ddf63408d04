/**
 * Decisions that may be given again, bounded in number and in bytes. A key is looked up and kept
 * from its second sight on: where nothing repeats, a decision costs one hash of its key and no
 * memory. Pure; the clock comes in.
 */

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
}

export interface Cache<T> {
  get(key: string): T | undefined;
  /** `ttlMs`: for this one entry, which is then kept from its first sight on. */
  set(key: string, value: T, ttlMs?: number): void;
  clear(): void;
  stats(): CacheStats;
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
 * Two generations stand in for a list in order of use: what is used moves to the young one, and
 * when that is full, the old one goes as a whole. All steps are O(1) and hold no links.
 */
class GenerationCache<T> implements Cache<T> {
  readonly #options: CacheOptions;
  readonly #seen = new Int32Array(slots);
  #young = new Map<string, Entry<T>>();
  #old = new Map<string, Entry<T>>();
  #youngChars = 0;
  /** The key that was asked for last. */
  #hashed = { key: "", hash: 1, slot: 0 };
  #hits = 0;
  #misses = 0;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  get(key: string): T | undefined {
    const entry = this.#isSeen(key) ? (this.#young.get(key) ?? this.#promote(key)) : undefined;
    if (entry !== undefined && this.#options.now() < entry.expiresAt) {
      this.#hits += 1;
      return entry.value;
    }
    this.#misses += 1;
    return undefined;
  }

  set(key: string, value: T, ttlMs?: number): void {
    const isKept = this.#isSeen(key) || ttlMs !== undefined;
    this.#seen[this.#hashed.slot] = this.#hashed.hash;
    if (!isKept) return;
    const expiresAt = this.#options.now() + (ttlMs ?? this.#options.ttlMs);
    this.#insert(key, { value, expiresAt });
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

  #promote(key: string): Entry<T> | undefined {
    const entry = this.#old.get(key);
    if (entry === undefined) return undefined;
    this.#old.delete(key);
    this.#insert(key, entry);
    return entry;
  }

  #insert(key: string, entry: Entry<T>): void {
    const { maxEntries, maxKeyChars } = this.#options;
    if (key.length > maxKeyChars) return;
    if (!this.#young.has(key)) {
      if (this.#young.size >= maxEntries || this.#youngChars + key.length > maxKeyChars) {
        this.#old = this.#young;
        this.#young = new Map();
        this.#youngChars = 0;
      }
      this.#youngChars += key.length;
    }
    this.#young.set(key, entry);
  }

  /** `get` and `set` of one decision come one after the other: the key is hashed once. */
  #isSeen(key: string): boolean {
    if (key !== this.#hashed.key) {
      const hash = hashText(key);
      this.#hashed = { key, hash, slot: (hash >>> 0) % slots };
    }
    return this.#seen[this.#hashed.slot] === this.#hashed.hash;
  }
}

/** FNV-1a over UTF-16 units; never 0, which is an empty slot. */
function hashText(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
  }
  return hash === 0 ? 1 : hash | 0;
}
