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
  /** Of the bouncers that are told to enforce it. */
  readonly percent: number;
  readonly maxRefusalRateChange: number;
  readonly minDecisions: number;
}

interface Field {
  readonly accepts: string;
  readonly about: string;
}

/** For the reference, and for who is told what would have been accepted. */
export const rolloutFields = {
  candidate: {
    accepts: "a file name that ends with .tar.gz",
    about: "File name of the candidate, which the bridge has as it has the bundle.",
  },
  percent: {
    accepts: "0 to 100",
    about:
      "Percentage of bouncers that enforce the candidate and watch the bundle; the others do the reverse. Who is in stays in while it grows. 0: all decide with both and enforce the bundle.",
  },
  maxRefusalRateChange: {
    accepts: "0 to 1",
    about:
      "A bouncer gives the candidate up when the shares of decisions that the two refuse differ by more; then it is enforced nowhere. 0.05 when it is left out.",
  },
  minDecisions: {
    accepts: "a whole number, 1 to 1000000",
    about: "Decisions by both before the shares are compared. 100 when it is left out.",
  },
} as const satisfies Record<keyof RolloutTerms, Field>;

export const rolloutExample = {
  "policy.tar.gz": {
    candidate: "next.tar.gz",
    percent: 10,
    maxRefusalRateChange: 0.05,
    minDecisions: 100,
  },
};

const fileName = v.pipe(
  v.string(rolloutFields.candidate.accepts),
  v.check(isBundleName, rolloutFields.candidate.accepts),
);
const within = (least: number, most: number, { accepts }: Field) =>
  v.pipe(v.number(accepts), v.minValue(least, accepts), v.maxValue(most, accepts));

const termsSchema = v.strictObject({
  candidate: fileName,
  percent: within(0, 100, rolloutFields.percent),
  maxRefusalRateChange: v.optional(within(0, 1, rolloutFields.maxRefusalRateChange), 0.05),
  minDecisions: v.optional(
    v.pipe(
      within(1, 1_000_000, rolloutFields.minDecisions),
      v.integer(rolloutFields.minDecisions.accepts),
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
