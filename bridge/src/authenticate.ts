/**
 * Who is asking: a bearer token in, an identity or a refusal out. The answer of the check behind
 * it (TokenReview, static tokens) is kept for a short time, so that a reconnecting fleet does not
 * become a load on the API server; tokens are kept as digests only.
 */
import { createHash } from "node:crypto";
import type { ErrorCode } from "./errors.ts";
import { createLimit } from "./limit.ts";

export interface Identity {
  /** `system:serviceaccount:<namespace>:<name>`, or `token` for a static token. */
  readonly subject: string;
  /** `<namespace>/<pod>` that the token is bound to, when it is bound to one. */
  readonly pod: string | null;
}

export type Refusal = Extract<
  ErrorCode,
  | "token_missing"
  | "token_refused"
  | "identity_forbidden"
  | "authenticator_unavailable"
  | "authenticator_busy"
>;

export type Authentication =
  | { readonly kind: "identity"; readonly identity: Identity }
  | { readonly kind: "refusal"; readonly code: Refusal };

/** Never rejects: a check that fails is the refusal `authenticator_unavailable`. */
export type CheckToken = (token: string) => Promise<Authentication>;

export interface CacheOptions {
  readonly check: CheckToken;
  /** Milliseconds of any monotonic or wall clock. */
  readonly now: () => number;
  readonly positiveTtlMs: number;
  readonly negativeTtlMs: number;
  readonly maxEntries: number;
  readonly maxInFlight: number;
  readonly maxWaiting: number;
}

export const cacheDefaults = {
  /** A deleted pod's token works for this long; its WebSocket ends with the pod anyway. */
  positiveTtlMs: 60_000,
  negativeTtlMs: 10_000,
  maxEntries: 20_000,
  /** What one replica asks of the API server at once when a whole fleet reconnects. */
  maxInFlight: 32,
  /** Beyond, callers are told to come back. */
  maxWaiting: 5_000,
} as const;

/** Longer ones are refused unseen: service-account tokens have about 1 KiB. */
const maxTokenLength = 8192;
/** RFC 6750, 2.1: b64token. */
const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export function parseBearer(header: string | undefined): string | null {
  if (header === undefined || header.length > maxTokenLength) return null;
  return bearer.exec(header)?.[1] ?? null;
}

export function createCachedCheck(options: CacheOptions): CheckToken {
  const { now } = options;
  const limit = createLimit(options.maxInFlight, options.maxWaiting);
  const kept = new Map<string, { readonly answer: Authentication; readonly until: number }>();
  const inFlight = new Map<string, Promise<Authentication>>();

  function keep(key: string, answer: Authentication): void {
    const ttlMs = lifetimeMs(answer, options);
    if (ttlMs === 0) return;
    if (kept.size >= options.maxEntries) {
      // Oldest first: a Map iterates in the order of insertion.
      const oldest = kept.keys().next();
      if (oldest.done !== true) kept.delete(oldest.value);
    }
    kept.set(key, { answer, until: now() + ttlMs });
  }

  async function ask(key: string, token: string): Promise<Authentication> {
    try {
      const answer = await limit.run(() => options.check(token));
      if (answer === null) return { kind: "refusal", code: "authenticator_busy" };
      keep(key, answer);
      return answer;
    } finally {
      inFlight.delete(key);
    }
  }

  return async (token) => {
    const key = createHash("sha256").update(token).digest("base64");
    const known = kept.get(key);
    if (known !== undefined) {
      if (known.until > now()) return known.answer;
      kept.delete(key);
    }
    const pending = inFlight.get(key);
    if (pending !== undefined) return pending;
    const asked = ask(key, token);
    inFlight.set(key, asked);
    return asked;
  };
}

/** An answer that says nothing about the token is not kept. */
function lifetimeMs(answer: Authentication, options: CacheOptions): number {
  if (answer.kind === "identity") return options.positiveTtlMs;
  const isAboutToken = answer.code === "token_refused" || answer.code === "identity_forbidden";
  return isAboutToken ? options.negativeTtlMs : 0;
}
