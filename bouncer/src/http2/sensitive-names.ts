/**
 * Names of fields that some sender wants in nobody's table (RFC 7541, 6.2.3): what is sent on must
 * not be indexed either, and the interface between codecs has no place to say so. Names that came
 * in this way once are treated so from then on, which is more than is asked for, and safe.
 */
const names = new Set<string>();
const maxNames = 64;

export function noteSensitive(name: string): void {
  if (names.size < maxNames) names.add(name);
}

export function isSensitiveName(name: string): boolean {
  return names.size > 0 && names.has(name);
}
