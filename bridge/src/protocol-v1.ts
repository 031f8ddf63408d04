/**
 * Version 1 of the protocol, one bundle and no candidates, as what it means in version 2: only
 * this file and who puts messages on the wire know that there is another version. Pure.
 */
import * as v from "valibot";
import { type Hello, type Hint, limits, type Status } from "./protocol.ts";

export const helloV1Schema = v.object({
  kind: v.literal("hello"),
  protocol: v.literal(1),
  bouncer: v.pipe(v.string(), v.minLength(1), v.maxLength(limits.bouncerChars)),
  version: v.string(),
  bundle: v.pipe(v.string(), v.minLength(1), v.maxLength(limits.bundleChars)),
});

export const statusV1Schema = v.object({
  kind: v.literal("status"),
  revision: v.nullable(v.string()),
  sha256: v.nullable(v.string()),
  error: v.nullable(v.string()),
});

export const hintV1Schema = v.object({
  kind: v.literal("hint"),
  revision: v.string(),
  url: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

export type HelloV1 = v.InferOutput<typeof helloV1Schema>;
export type StatusV1 = v.InferOutput<typeof statusV1Schema>;
export type HintV1 = v.InferOutput<typeof hintV1Schema>;

export function helloFromV1({ bouncer, version, bundle }: HelloV1): Hello {
  return { kind: "hello", protocol: 2, bouncer, version, bundles: [bundle] };
}

export function statusFromV1({ revision, sha256, error }: StatusV1, bundle: string): Status {
  const reported = { bundle, revision, sha256, error, candidate: null };
  return { kind: "status", bundles: [reported], decisions: 0, refused: 0 };
}

export function hintToV1({ revision, url, sha256 }: Hint): HintV1 {
  return { kind: "hint", revision, url, sha256 };
}

/** Bridges of version 1 know one bundle of a bouncer: the first it asks for. */
export function helloToV1({ bouncer, version, bundles: [bundle = ""] }: Hello): HelloV1 {
  return { kind: "hello", protocol: 1, bouncer, version, bundle };
}

export function statusToV1({ bundles: [first] }: Status): StatusV1 {
  const { revision = null, sha256 = null, error = null } = first ?? {};
  return { kind: "status", revision, sha256, error };
}

export function hintFromV1({ revision, url, sha256 }: HintV1, bundle: string): Hint {
  return { kind: "hint", bundle, revision, url, sha256, candidate: null };
}
