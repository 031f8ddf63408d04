/** What a request of `http.send` wants kept for other queries. Pure. */
import { printJson } from "../term.ts";
import type { RegoObject } from "../value.ts";
import { HttpFailure } from "./failure.ts";

export interface CacheWish {
  /** How long the response counts as fresh, whatever its headers say; null: as they say. */
  readonly forcedSeconds: number | null;
  /** False when it names a way of keeping that there is not: it is asked for, and not kept. */
  readonly isKept: boolean;
}

const maxInt32 = 2 ** 31;

/** null: it does not want to be kept. Throws an HttpFailure. */
export function parseCacheWish(request: RegoObject): CacheWish | null {
  const mode = request.has("caching_mode") ? request.get("caching_mode") : "serialized";
  const isKept = mode === "serialized" || mode === "deserialized";
  const cache = readWish(request, "cache");
  const force = readWish(request, "force_cache");
  if (!force) return cache ? { forcedSeconds: null, isKept } : null;
  const seconds = readSeconds(request);
  return { forcedSeconds: seconds > 0 ? seconds : null, isKept };
}

function readWish(request: RegoObject, name: string): boolean {
  const value = request.get(name);
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw new HttpFailure("internal", `invalid value for "${name}": it must be true or false`);
}

function readSeconds(request: RegoObject): number {
  const value = request.get("force_cache_duration_seconds");
  const text = value === undefined ? "nothing" : printJson(value);
  const seconds = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= -maxInt32 && seconds < maxInt32) return seconds;
  throw new HttpFailure(
    "internal",
    `"force_cache" needs whole seconds in "force_cache_duration_seconds", not ${text}`,
  );
}
