/** Responses kept between queries: the least recently used go first, when there are too many. */
import type { Headers } from "./freshness.ts";

export interface StoredResponse {
  readonly status: string;
  readonly statusCode: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Nanoseconds since the epoch. */
  readonly expiresAt: bigint;
}

export interface ResponseCacheOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export interface ResponseCache {
  get(key: string): StoredResponse | undefined;
  set(key: string, response: StoredResponse): void;
  delete(key: string): void;
  readonly entries: number;
  readonly bytes: number;
}

/** What an entry takes besides its texts, roughly. */
const overhead = 500;

export function createResponseCache({ maxEntries, maxBytes }: ResponseCacheOptions): ResponseCache {
  const entries = new Map<string, { readonly response: StoredResponse; readonly size: number }>();
  let bytes = 0;
  const remove = (key: string): void => {
    bytes -= entries.get(key)?.size ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found.response;
    },
    set(key, response) {
      remove(key);
      const size = measure(key, response);
      if (size > maxBytes) return;
      entries.set(key, { response, size });
      bytes += size;
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes && entries.size <= maxEntries) break;
        remove(oldest);
      }
    },
    delete: remove,
    get entries() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
  };
}

function measure(key: string, { status, headers, body }: StoredResponse): number {
  let size = overhead + 2 * (key.length + status.length) + body.byteLength;
  for (const [name, values] of headers) {
    for (const value of values) size += 2 * (name.length + value.length) + 50;
  }
  return size;
}
