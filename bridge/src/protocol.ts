/**
 * Messages between a bouncer and the bridge over one WebSocket, as JSON text frames. The bridge
 * only hints: a bundle is always pulled by HTTP(S), so a lost message costs time, never policy.
 * Pure: valibot and types only.
 *
 *   bouncer -> bridge   hello   once, first
 *   bridge -> bouncer   hint    at once after hello, and whenever the bundle's content changes
 *   bouncer -> bridge   status  after every attempt to activate a bundle
 *
 * Liveness is by WebSocket ping and pong (RFC 6455, 5.5.2), sent by the bridge.
 */
import * as v from "valibot";

export const protocolVersion = 1;

/** Path of the WebSocket on the bridge; bundles are at `/bundles/<name>`. */
export const syncPath = "/v1/sync";
export const bundlesPath = "/bundles/";

export const helloSchema = v.object({
  kind: v.literal("hello"),
  protocol: v.number(),
  /** Unique for a running bouncer: `<namespace>/<pod>`. */
  bouncer: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
  version: v.string(),
  /** File name of the bundle it enforces: `policy.tar.gz`. */
  bundle: v.pipe(v.string(), v.minLength(1), v.maxLength(253)),
});

export const statusSchema = v.object({
  kind: v.literal("status"),
  /** Revision enforced now; null when there is none. */
  revision: v.nullable(v.string()),
  /** Hex SHA-256 of the bundle enforced now; null when there is none. */
  sha256: v.nullable(v.string()),
  /** Code of the failure when the last hint could not be followed, else null. */
  error: v.nullable(v.string()),
});

export const hintSchema = v.object({
  kind: v.literal("hint"),
  /** From the bundle's manifest; empty when it has none. */
  revision: v.string(),
  /** Path on the bridge, or an absolute URL of the same origin. */
  url: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

export const bouncerMessageSchema = v.variant("kind", [helloSchema, statusSchema]);
export const bridgeMessageSchema = v.variant("kind", [hintSchema]);

export type Hello = v.InferOutput<typeof helloSchema>;
export type Status = v.InferOutput<typeof statusSchema>;
export type Hint = v.InferOutput<typeof hintSchema>;
export type BouncerMessage = v.InferOutput<typeof bouncerMessageSchema>;
export type BridgeMessage = v.InferOutput<typeof bridgeMessageSchema>;
