/**
 * Which requests go on although they would be refused: on routes that the operator calls low-risk
 * while no decision can be had, and in shadow mode whatever the policy would refuse. Whether a
 * reason is one of those is in one table, with a row for every reason there is. Pure.
 */
import type { RefusalReason } from "../errors.ts";
import type { Header, RequestHead, Verdict } from "../policy/decision.ts";
import { plainAllow } from "../policy/verdict.ts";
import { readTarget } from "./target.ts";

export interface DegradedRoute {
  /** null: every method. */
  readonly method: string | null;
  /** In the form in which the policy sees paths; with `below`, it ends in a slash. */
  readonly path: string;
  /** Every path that begins with `path`. */
  readonly below: boolean;
}

interface Row {
  /** No decision can be had: a listed route stays open. */
  readonly degraded: boolean;
  /** It is the policy that refuses, or that is missing: nothing is enforced in shadow mode. */
  readonly shadow: boolean;
}

const never: Row = { degraded: false, shadow: false };
const decided: Row = { degraded: false, shadow: true };
const undecided: Row = { degraded: true, shadow: true };

export const rows: Readonly<Record<RefusalReason, Row>> = {
  policy: decided,
  // There was a decision, and nobody can say that it was to allow.
  policy_result: decided,
  policy_error: undecided,
  policy_timeout: undecided,
  no_policy: undecided,
  // What only a policy that reads bodies and queries stumbles over. A head that is not clear is
  // refused before anybody asks here.
  bad_body: decided,
  ambiguous_request: decided,
  // Not the policy's, but the bouncer's own memory: shadow mode protects it, too.
  overload: { degraded: true, shadow: false },
  audit_unavailable: never,
  bad_request: never,
  headers_too_large: never,
  request_timeout: never,
  app_unreachable: never,
  app_failed: never,
  app_timeout: never,
  policy_changed: never,
  internal: never,
};

export interface Enforcement {
  readonly shadow: boolean;
  readonly degradedRoutes: readonly DegradedRoute[];
}

/** Why a request went on that would have been refused for `reason`. */
export interface Passage {
  readonly kind: "degraded" | "shadow";
  readonly reason: RefusalReason;
  readonly detail: string | null;
}

/** `METHOD PATH`; null when it is not one that could ever be met. */
export function parseDegradedRoute(item: string): DegradedRoute | null {
  const [, method = "", path = ""] = /^(\*|[A-Z][A-Z-]*) +(\/\S*)$/.exec(item) ?? [];
  if (method === "") return null;
  const below = path.endsWith("/*");
  const written = below ? path.slice(0, -1) : path;
  const read = readTarget(written);
  if (!read.ok || /[?*]/.test(written)) return null;
  return { method: method === "*" ? null : method, path: read.target, below };
}

/** `head` is a checked one: its path is in the form that policy and application get. */
export function isListed(
  routes: readonly DegradedRoute[],
  { method, target }: Pick<RequestHead, "method" | "target">,
): boolean {
  const [path = ""] = target.split("?", 1);
  return routes.some((route) => {
    if (route.method !== null && route.method !== method) return false;
    return route.below ? path.startsWith(route.path) : path === route.path;
  });
}

/** null: the refusal stands. */
export function findPassage(
  { reason, detail }: Omit<Passage, "kind">,
  head: Pick<RequestHead, "method" | "target">,
  { shadow, degradedRoutes }: Enforcement,
): Passage | null {
  const row = rows[reason];
  // First: such a request would go on without shadow mode, too.
  if (row.degraded && isListed(degradedRoutes, head)) return { kind: "degraded", reason, detail };
  return row.shadow && shadow ? { kind: "shadow", reason, detail } : null;
}

/** Shadow mode leaves no trace in what the client gets; a degraded answer says that it is one. */
export function verdictOf({ kind, reason }: Passage): Extract<Verdict, { kind: "allow" }> {
  const told: readonly Header[] = kind === "degraded" ? [["X-Bouncer-Degraded", reason]] : [];
  return { ...plainAllow, responseHeaders: told };
}
