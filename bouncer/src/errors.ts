/**
 * Everything that can go wrong in the bouncer, by code. A refusal is what a client is told instead
 * of an answer of the application; a failure is what an operator is told. Codes are metric labels,
 * audit fields and documented names: they change only with an entry in CHANGELOG.md. Pure.
 */
import type { DenyReason } from "./policy/decision.ts";

export type Level = "debug" | "info" | "warn" | "error";

interface RefusalRow {
  /** Of the response, unless the policy chose one. */
  readonly status: number;
  readonly level: Level;
  readonly sentence: string;
}

/** Values of `x-bouncer-reason`. */
export const refusals = {
  policy: { status: 403, level: "debug", sentence: "The policy does not allow the request" },
  policy_result: {
    status: 403,
    level: "warn",
    sentence: "The policy's decision is undefined or not of a known form",
  },
  policy_error: { status: 503, level: "error", sentence: "The policy could not be evaluated" },
  policy_timeout: {
    status: 503,
    level: "error",
    sentence: "There was no decision in time",
  },
  no_policy: { status: 503, level: "warn", sentence: "No policy has been activated yet" },
  bad_body: {
    status: 400,
    level: "debug",
    sentence: "The policy reads the body, and the body is not what its content type says",
  },
  bad_request: { status: 400, level: "debug", sentence: "The request is not valid HTTP" },
  ambiguous_request: {
    status: 400,
    level: "info",
    sentence: "The request could be understood in two ways",
  },
  headers_too_large: {
    status: 431,
    level: "debug",
    sentence: "The request's header section is too large",
  },
  request_timeout: { status: 408, level: "debug", sentence: "The request did not arrive in time" },
  overload: { status: 503, level: "warn", sentence: "Too many requests are in flight" },
  audit_unavailable: {
    status: 503,
    level: "error",
    sentence: "The audit record could not be written, and AUDIT_MODE is auditability",
  },
  app_unreachable: {
    status: 502,
    level: "warn",
    sentence: "The application does not accept connections",
  },
  app_failed: {
    status: 502,
    level: "warn",
    sentence: "The application closed the connection or did not answer in valid HTTP",
  },
  app_timeout: {
    status: 504,
    level: "warn",
    sentence: "The application did not begin to answer in time",
  },
  policy_changed: {
    status: 503,
    level: "info",
    sentence: "The stream was cut off because the policy has changed",
  },
  internal: { status: 500, level: "error", sentence: "The bouncer failed; this is a bug in it" },
} as const satisfies Readonly<Record<string, RefusalRow>> &
  Readonly<Record<DenyReason, RefusalRow>>;

export type RefusalReason = keyof typeof refusals;

function isReason(name: string): name is RefusalReason {
  return Object.hasOwn(refusals, name);
}

export const reasons: readonly RefusalReason[] = Object.keys(refusals).filter(isReason);

export function refusalOf(reason: RefusalReason): RefusalRow {
  return refusals[reason];
}

interface FailureRow {
  readonly level: Level;
  readonly sentence: string;
}

/** Codes in logs, in `/v1/status` and in what is reported to the bridge. */
export const failures = {
  config_invalid: { level: "error", sentence: "The configuration is not valid" },
  listen_failed: { level: "error", sentence: "A port cannot be listened on" },
  thread_failed: { level: "error", sentence: "A thread that carries requests has ended" },
  audit_unwritable: { level: "error", sentence: "Audit records cannot be written" },
  bundle_not_found: { level: "error", sentence: "There is no bundle at the given place" },
  bundle_unreachable: { level: "warn", sentence: "The bundle cannot be fetched" },
  bundle_invalid: { level: "error", sentence: "The bundle is not one that can be enforced" },
  bundle_unwritable: { level: "error", sentence: "The bundle cannot be stored" },
  bundle_signature: { level: "error", sentence: "The bundle's signature is missing or wrong" },
  bundle_older: {
    level: "error",
    sentence: "The bundle is older than one that was active, or does not say how old it is",
  },
  certificate_invalid: { level: "error", sentence: "The listeners' certificate cannot be used" },
  sync_unreachable: { level: "warn", sentence: "The bridge cannot be reached" },
  redirect_no_iptables: { level: "error", sentence: "iptables is not installed" },
  redirect_not_permitted: {
    level: "error",
    sentence: "The container lacks a capability that iptables needs",
  },
  redirect_unsupported: {
    level: "error",
    sentence: "The kernel of the node lacks something that the rules need",
  },
  redirect_failed: { level: "error", sentence: "iptables did not take the rules" },
  redirect_not_in_force: {
    level: "error",
    sentence: "The rules in the kernel are not the ones that were applied",
  },
} as const satisfies Readonly<Record<string, FailureRow>>;

export type FailureCode = keyof typeof failures;

/** A broken environment. Expected outcomes are return values, never this. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
