/** Label selectors (meta/v1 LabelSelector), as settings have them and as the API server does. Pure. */
import * as v from "valibot";

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

const requirement = v.pipe(
  v.strictObject({
    key: v.pipe(v.string(), v.nonEmpty()),
    operator: v.picklist(operators, `one of ${operators.join(", ")}`),
    values: v.optional(v.array(v.string()), []),
  }),
  v.check(
    ({ operator, values }) => values.length > 0 === (operator === "In" || operator === "NotIn"),
    "an expression with values for In and NotIn, and without for the others",
  ),
);

/** An empty one would select everything: by mistake, more often than not. */
export const selectorSchema = v.pipe(
  v.strictObject({
    matchLabels: v.optional(v.record(v.string(), v.string()), {}),
    matchExpressions: v.optional(v.array(requirement), []),
  }),
  v.check(
    ({ matchLabels, matchExpressions }) =>
      Object.keys(matchLabels).length + matchExpressions.length > 0,
    "a label selector with matchLabels or matchExpressions",
  ),
);

export type Selector = v.InferOutput<typeof selectorSchema>;
type Requirement = v.InferOutput<typeof requirement>;

type Labels = Readonly<Record<string, string>>;

/** All of it has to apply. */
export function matches(selector: Selector, labels: Labels): boolean {
  const has = (key: string, value: string) => Object.hasOwn(labels, key) && labels[key] === value;
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => has(key, value)) &&
    selector.matchExpressions.every((one) => fulfils(one, labels))
  );
}

type Fulfils = (value: string | undefined, values: readonly string[]) => boolean;

/** NotIn is fulfilled by an absent label, as in Kubernetes. */
const fulfilment: Readonly<Record<Requirement["operator"], Fulfils>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

function fulfils({ key, operator, values }: Requirement, labels: Labels): boolean {
  return fulfilment[operator](Object.hasOwn(labels, key) ? labels[key] : undefined, values);
}
