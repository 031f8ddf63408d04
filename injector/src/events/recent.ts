/** What was seen a short while ago; of bounded size, the oldest is forgotten first. Pure but for its memory. */
export interface Recent {
  /** Whether `key` was seen within the window; from now on it was. */
  see(key: string, now: number): boolean;
}

export function createRecent(windowMs: number, maxKeys: number): Recent {
  // In the order of the times, since a key that is put again goes to the end.
  const seen = new Map<string, number>();
  return {
    see: (key, now) => {
      const last = seen.get(key);
      if (last !== undefined && now - last < windowMs) return true;
      seen.delete(key);
      seen.set(key, now);
      const [oldest] = seen.keys();
      if (seen.size > maxKeys && oldest !== undefined) seen.delete(oldest);
      return false;
    },
  };
}
