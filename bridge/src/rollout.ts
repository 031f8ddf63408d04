/**
 * `rollout.json`: which bundle has a candidate, and how many bouncers enforce it. Reads the file
 * and says who is in; what has become of a rollout is in rollouts.ts.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { BridgeError } from "./errors.ts";
import { isBundleName } from "./bundle.ts";

export const rolloutFileName = "rollout.json";
export const maxRolloutBytes = 64 * 1024;

export interface RolloutTerms {
  /** File name of the candidate, beside the bundle. */
  readonly candidate: string;
  /** Of the bouncers that enforce the bundle; 0: all of them decide with both and enforce neither less. */
  readonly percent: number;
  readonly maxRefusalRateChange: number;
  readonly minDecisions: number;
}

const fileName = v.pipe(
  v.string("a file name"),
  v.check(isBundleName, "a file name that ends with .tar.gz"),
);

const termsSchema = v.strictObject({
  candidate: fileName,
  percent: v.pipe(v.number("0 to 100"), v.minValue(0, "0 to 100"), v.maxValue(100, "0 to 100")),
  maxRefusalRateChange: v.optional(
    v.pipe(v.number("0 to 1"), v.minValue(0, "0 to 1"), v.maxValue(1, "0 to 1")),
    0.05,
  ),
  minDecisions: v.optional(
    v.pipe(
      v.number("a whole number, 1 to 1000000"),
      v.integer("a whole number, 1 to 1000000"),
      v.minValue(1, "a whole number, 1 to 1000000"),
      v.maxValue(1_000_000, "a whole number, 1 to 1000000"),
    ),
    100,
  ),
});

const fileSchema = v.record(fileName, termsSchema);

/** @throws BridgeError `rollout_invalid` */
export function parseRollout(text: string): ReadonlyMap<string, RolloutTerms> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BridgeError("rollout_invalid", `Cannot read ${rolloutFileName}: not JSON`, error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new BridgeError("rollout_invalid", `Cannot read ${rolloutFileName}: not an object`);
  const parsed = v.safeParse(fileSchema, json);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => describeIssue(issue));
    throw new BridgeError(
      "rollout_invalid",
      `Cannot read ${rolloutFileName}: ${problems.join("; ")}`,
    );
  }
  const rollouts = new Map(Object.entries(parsed.output));
  for (const [bundle, { candidate }] of rollouts) {
    if (candidate !== bundle) continue;
    throw new BridgeError(
      "rollout_invalid",
      `Cannot read ${rolloutFileName}: "${bundle}" is its own candidate`,
    );
  }
  return rollouts;
}

function describeIssue(issue: v.InferIssue<typeof fileSchema>): string {
  const path = v.getDotPath(issue) ?? "";
  if (issue.type === "strict_object" && issue.expected === "never")
    return `${path} is not known; accepted are ${Object.keys(termsSchema.entries).join(", ")}`;
  if (issue.received === "undefined") return `${path} is missing`;
  return `${path} is ${issue.received}, accepted is ${issue.message}`;
}

const buckets = 10_000;

/**
 * True for the same bouncers as long as the percentage does not go down: each has its place
 * between 0 and 100, for each bundle another, so that not always the same ones come first.
 */
export function isCovered(bouncer: string, bundle: string, percent: number): boolean {
  const digest = createHash("sha256")
    .update(JSON.stringify([bouncer, bundle]))
    .digest();
  const place = digest.readUInt32BE(0) % buckets;
  return place < (percent / 100) * buckets;
}
