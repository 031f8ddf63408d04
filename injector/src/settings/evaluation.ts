/**
 * Settings: what a decision may take, and where policies may connect to. What is not set is the
 * bouncer's own. Pure.
 */
import { environment } from "bouncer/contract";
import * as v from "valibot";
import { acceptedReach, isReach } from "./reach.ts";
import { described, strict, wholeNumber } from "./schema.ts";
import { acceptedCidr, isCidr } from "./value.ts";

const orOwn = <const Schema extends v.GenericSchema>(doc: string, schema: Schema) =>
  v.optional(described(`${doc}; null: the bouncer's own`, v.nullable(schema)), null);

const acceptedPlaces = `a list of at least one place`;
const place = v.pipe(v.string(acceptedReach), v.check(isReach, acceptedReach));
const block = v.pipe(v.string(acceptedCidr), v.check(isCidr, acceptedCidr));

export const evaluationEntries = {
  evaluation: v.optional(
    described(
      "What one evaluation may take",
      strict({
        timeoutMs: orOwn("Milliseconds", wholeNumber(1, 60_000)),
        memoryMiB: orOwn("MiB beyond the policy's data", wholeNumber(1, 2048)),
      }),
    ),
    {},
  ),
  decisionTimeoutMs: orOwn(
    "Milliseconds that a decision may take in all, network calls included",
    wholeNumber(1, 600_000),
  ),
  http: v.optional(
    described(
      "Where http.send in policies may connect to",
      strict({
        allow: v.optional(
          described(
            "Names, addresses, CIDRs and Unix sockets; null: wherever deny does not forbid",
            v.nullable(v.pipe(v.array(place, acceptedPlaces), v.minLength(1, acceptedPlaces))),
          ),
          null,
        ),
        deny: orOwn(
          "Addresses and CIDRs where it may not, whatever allow says",
          v.array(block, "a list of addresses and CIDRs"),
        ),
      }),
    ),
    {},
  ),
};

const evaluationSchema = v.object(evaluationEntries);
type Evaluation = v.InferOutput<typeof evaluationSchema>;

/** A variable of the bouncer, and the setting that it is made of. */
export interface SetVariable {
  readonly field: string;
  readonly name: string;
  readonly value: string;
  /** `bouncer load` reads it as well. */
  readonly loader: boolean;
}

/** Those that are set; unlike the others, `extraEnv` may set them instead. */
export function listVariables({ evaluation, decisionTimeoutMs, http }: Evaluation): SetVariable[] {
  const { allow, deny } = http;
  // An empty variable would be one that is not set.
  const denied = deny?.length === 0 ? "none" : deny?.join(",");
  return [
    variable("evaluation.timeoutMs", environment.policyEvaluationTimeoutMs, evaluation.timeoutMs),
    {
      ...variable(
        "evaluation.memoryMiB",
        environment.policyEvaluationMemoryMib,
        evaluation.memoryMiB,
      ),
      loader: true,
    },
    variable("decisionTimeoutMs", environment.policyDecisionTimeoutMs, decisionTimeoutMs),
    variable("http.allow", environment.policyHttpAllow, allow?.join(",")),
    variable("http.deny", environment.policyHttpDeny, denied),
  ].filter(({ value }) => value !== "");
}

function variable(field: string, name: string, value: string | number | null | undefined) {
  return { field: `policy.${field}`, name, value: String(value ?? ""), loader: false };
}
