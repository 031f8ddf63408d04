/** What a request for a bundle asks: which one, whether it has it, how long it will wait. Pure. */
import { bundlesPath } from "./protocol.ts";

/** Name in `/bundles/<name>`, still encoded names and sub-paths are none. */
export function parseBundlePath(target: string): string | null {
  const path = target.split("?", 1)[0] ?? "";
  return path.startsWith(bundlesPath) ? path.slice(bundlesPath.length) : null;
}

/** RFC 9110, 13.1.2: `*` or a list of tags, compared weakly. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

const maxWaitSeconds = 300;

/** RFC 7240, 4.3: seconds in `Prefer: wait=N`, as OPA's long polling sends it; 0 when there is none. */
export function parseWaitSeconds(prefer: string | undefined): number {
  for (const preference of (prefer ?? "").split(/[,;]/)) {
    const seconds = /^\s*wait\s*=\s*"?([0-9]{1,6})"?\s*$/i.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), maxWaitSeconds);
  }
  return 0;
}
