/**
 * Messages between a bouncer and the bridge over one WebSocket, as JSON text frames; written down
 * in docs/bridge-protocol.md. The bridge only hints: a bundle is always pulled by HTTP(S), so a
 * lost message costs time, never policy. Pure: valibot and types only.
 *
 *   bouncer -> bridge   hello   once, first; with the version that is spoken from then on
 *   bridge -> bouncer   hint    at once after hello for each bundle, and whenever one changes
 *   bouncer -> bridge   status  after every attempt to activate, and when counts have changed
 *
 * Liveness is by WebSocket ping and pong (RFC 6455, 5.5.2), sent by either side.
 */
import * as v from "valibot";

/** The bouncer chooses, the bridge speaks what was chosen, or closes: `protocol_unsupported`. */
export const protocolVersions = [1, 2] as const;
export type ProtocolVersion = (typeof protocolVersions)[number];
export const protocolVersion = 2;

/** Path of the WebSocket on the bridge; bundles are at `/bundles/<name>`. */
export const syncPath = "/v1/sync";
export const bundlesPath = "/bundles/";

export const limits = {
  /** Of one message in either direction. */
  messageBytes: 64 * 1024,
  /** That one bouncer can ask for. */
  bundles: 16,
  bouncerChars: 512,
  versionChars: 128,
  bundleChars: 253,
  /** Longer revisions are cut by who sends them. */
  revisionChars: 256,
  codeChars: 64,
  /** A reason for people; longer ones are cut by who sends them. */
  reasonChars: 300,
  urlChars: 2048,
} as const;

/** Between a status and the next, unless there is more to say than counts. */
export const statusIntervalMs = 30_000;

/** RFC 6455, 7.4.1: how either side ends a connection. */
export const closeCode = {
  /** The bridge shuts down: come back after a random delay. */
  goingAway: 1001,
  /** The reason is a code of the bridge's table. */
  policyViolation: 1008,
  tooLarge: 1009,
} as const;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const name = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

export const bundleNameSchema = name(limits.bundleChars);
export const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** What a hello of any version has: enough to answer a version that is not known. */
export const greetingSchema = v.object({ kind: v.literal("hello"), protocol: v.number() });

export const helloSchema = v.object({
  kind: v.literal("hello"),
  protocol: v.literal(2),
  /** Unique for a running bouncer: `<namespace>/<pod>`. */
  bouncer: name(limits.bouncerChars),
  version: text(limits.versionChars),
  /** File names of the bundles it enforces together: `policy.tar.gz`. */
  bundles: v.pipe(
    v.array(bundleNameSchema),
    v.minLength(1),
    v.maxLength(limits.bundles),
    v.check((names) => new Set(names).size === names.length, "each name once"),
    v.readonly(),
  ),
});

/** The terms under which a bouncer runs a candidate beside what it enforces. */
export const candidateTermsSchema = v.object({
  /** From the candidate's manifest; empty when it has none. */
  revision: text(limits.revisionChars),
  url: name(limits.urlChars),
  sha256: sha256Schema,
  /** True: this bouncer enforces the candidate and watches the other one; false: the reverse. */
  enforce: v.boolean(),
  /** Beyond this difference between the shares of refused decisions, the candidate is given up. */
  maxRefusalRateChange: share,
  /** Decisions by both before the shares are compared. */
  minDecisions: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});

export const hintSchema = v.object({
  kind: v.literal("hint"),
  bundle: bundleNameSchema,
  /** From the bundle's manifest; empty when it has none. */
  revision: text(limits.revisionChars),
  /** Path on the bridge, or an absolute URL of the same origin. */
  url: name(limits.urlChars),
  sha256: sha256Schema,
  /** Null or left out: there is none, or no more. */
  candidate: v.optional(v.nullable(candidateTermsSchema), null),
});

export const candidateStatusSchema = v.object({
  revision: text(limits.revisionChars),
  sha256: sha256Schema,
  enforced: v.boolean(),
  /** Code of the failure when it could not be opened, else null. */
  error: v.nullable(text(limits.codeChars)),
  /** Since the last status: decided by both, differently, and refused by the candidate. */
  decisions: count,
  differing: count,
  wouldRefuse: count,
  /** Why this bouncer gave the candidate up, else null. */
  stopped: v.nullable(text(limits.reasonChars)),
});

export const bundleStatusSchema = v.object({
  bundle: bundleNameSchema,
  /** Revision enforced now; null when there is none. */
  revision: v.nullable(text(limits.revisionChars)),
  /** Hex SHA-256 of the bundle enforced now; null when there is none. */
  sha256: v.nullable(sha256Schema),
  /** Code of the failure when the last hint could not be followed, else null. */
  error: v.nullable(text(limits.codeChars)),
  candidate: v.optional(v.nullable(candidateStatusSchema), null),
});

/** Always whole: every bundle of the hello, so that the newest one is all that counts. */
export const statusSchema = v.object({
  kind: v.literal("status"),
  bundles: v.pipe(v.array(bundleStatusSchema), v.maxLength(limits.bundles), v.readonly()),
  /** Of this bouncer, since its last status. */
  decisions: count,
  refused: count,
});

export const bouncerMessageSchema = v.variant("kind", [helloSchema, statusSchema]);
export const bridgeMessageSchema = v.variant("kind", [hintSchema]);

export type Hello = v.InferOutput<typeof helloSchema>;
export type CandidateTerms = v.InferOutput<typeof candidateTermsSchema>;
export type Hint = v.InferOutput<typeof hintSchema>;
export type CandidateStatus = v.InferOutput<typeof candidateStatusSchema>;
export type BundleStatus = v.InferOutput<typeof bundleStatusSchema>;
export type Status = v.InferOutput<typeof statusSchema>;
export type BouncerMessage = v.InferOutput<typeof bouncerMessageSchema>;
export type BridgeMessage = v.InferOutput<typeof bridgeMessageSchema>;
