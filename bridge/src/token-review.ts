/** Checks projected service-account tokens by asking the API server (TokenReview). */
import type { Logger } from "pino";
import * as v from "valibot";
import type { Authentication, CheckToken, Identity } from "./authenticate.ts";
import { messageOf } from "./errors.ts";

/** Resolves with the API server's answer; ends when the signal says so. */
export type AskReview = (review: object, signal: AbortSignal) => Promise<unknown>;

export interface TokenReviewOptions {
  readonly ask: AskReview;
  readonly audience: string;
  readonly log: Logger;
  readonly timeoutMs: number;
}

const serviceAccountPrefix = "system:serviceaccount:";
/** Extra fields of a token that is bound to a pod (KEP-1205). */
const podNameExtra = "authentication.kubernetes.io/pod-name";

const reviewSchema = v.object({
  status: v.optional(
    v.object({
      authenticated: v.optional(v.boolean(), false),
      audiences: v.optional(v.array(v.string()), []),
      user: v.optional(
        v.object({
          username: v.optional(v.string(), ""),
          extra: v.optional(v.record(v.string(), v.array(v.string())), {}),
        }),
        {},
      ),
    }),
    {},
  ),
});

type User = v.InferOutput<typeof reviewSchema>["status"]["user"];

export function createTokenReviewCheck(options: TokenReviewOptions): CheckToken {
  const { ask, audience, timeoutMs } = options;
  const about = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" };
  return async (token) => {
    try {
      const review = { ...about, spec: { token, audiences: [audience] } };
      return understandReview(await ask(review, AbortSignal.timeout(timeoutMs)), audience);
    } catch (error) {
      options.log.error({ problem: messageOf(error) }, "token review failed");
      return { kind: "refusal", code: "authenticator_unavailable" };
    }
  };
}

/**
 * A server that knows no audiences answers `authenticated` without naming ours: that is a refusal
 * (the token may have been issued for the API server itself). Throws when it is no review.
 */
export function understandReview(review: unknown, audience: string): Authentication {
  const { authenticated, audiences, user } = v.parse(reviewSchema, review).status;
  if (!authenticated || !audiences.includes(audience)) {
    return { kind: "refusal", code: "token_refused" };
  }
  const identity = identify(user);
  if (identity === null) return { kind: "refusal", code: "identity_forbidden" };
  return { kind: "identity", identity };
}

/** Null when it is not a service account. */
function identify({ username: subject, extra }: User): Identity | null {
  if (!subject.startsWith(serviceAccountPrefix)) return null;
  const namespace = subject.slice(serviceAccountPrefix.length).split(":", 1).join("");
  const pod = extra[podNameExtra]?.[0];
  return { subject, pod: pod === undefined ? null : `${namespace}/${pod}` };
}
