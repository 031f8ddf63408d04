/** Durations as people write them to kubectl. Pure. */

/** `90s`, `5m`, `1h30m`; a number alone is seconds. Null: none of these, or no time at all. */
export function parseSeconds(text: string): number | null {
  const match = /^(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s?)?$/.exec(text);
  if (match === null) return null;
  const [hours = 0, minutes = 0, rest = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const seconds = hours * 3600 + minutes * 60 + rest;
  return seconds > 0 ? seconds : null;
}
