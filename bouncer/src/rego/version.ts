/** Semantic versions as OPA reads them: those of semver.org, and with a `v` before them. Pure. */

export interface Version {
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  /** Identifiers of a pre-release; none for a release. */
  readonly preRelease: readonly string[];
}

const maxNumber = 2n ** 63n - 1n;
const number = /^(?:0|[1-9]\d*)$/;
const identifier = /^[\dA-Za-z-]+$/;

/** null for a text that is none. */
export function parseVersion(text: string): Version | null {
  const [withoutBuild, build] = cut(text.replace(/^v/, ""), "+");
  if (build !== null && !build.split(".").every((part) => identifier.test(part))) return null;
  const [core, suffix] = cut(withoutBuild, "-");
  const preRelease = suffix === null ? [] : suffix.split(".");
  if (!preRelease.every(isPreRelease)) return null;
  const [major, minor, patch, ...others] = core.split(".").map(parseNumber);
  if (major === undefined || minor === undefined || patch === undefined) return null;
  if (major === null || minor === null || patch === null || others.length > 0) return null;
  return { numbers: [major, minor, patch], preRelease };
}

function cut(text: string, separator: string): readonly [string, string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function isPreRelease(part: string): boolean {
  return identifier.test(part) && (number.test(part) || /\D/.test(part));
}

/** What is longer than 19 digits has not to be read to know that it is too large. */
function parseNumber(text: string): bigint | null {
  if (text.length > 19 || !number.test(text)) return null;
  const value = BigInt(text);
  return value > maxNumber ? null : value;
}

/** Below 0 when `one` comes first, 0 when they differ in their build only. */
export function compareVersions(one: Version, other: Version): number {
  for (const [index, value] of one.numbers.entries()) {
    const order = compare(value, other.numbers[index] ?? 0n);
    if (order !== 0) return order;
  }
  return comparePreReleases(one.preRelease, other.preRelease);
}

function comparePreReleases(one: readonly string[], other: readonly string[]): number {
  if (one.length === 0 || other.length === 0) {
    return Number(one.length === 0) - Number(other.length === 0);
  }
  for (const [index, part] of one.entries()) {
    const counterpart = other[index];
    if (counterpart === undefined) return 1;
    const order = compareParts(part, counterpart);
    if (order !== 0) return order;
  }
  return one.length === other.length ? 0 : -1;
}

/** Numbers come before words. Those beyond 64 bits count as the largest of these. */
function compareParts(one: string, other: string): number {
  const [a, b] = [one, other].map((part) =>
    /\D/.test(part) ? null : (parseNumber(part) ?? maxNumber),
  );
  if (typeof a === "bigint" && typeof b === "bigint") return compare(a, b);
  if (typeof a === "bigint") return -1;
  return typeof b === "bigint" ? 1 : compare(one, other);
}

function compare<T extends bigint | string>(one: T, other: T): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
