/** One line of an audit log, as far as it can be asked again. Pure. */
import * as v from "valibot";

const schema = v.object({
  type: v.literal("openpolicyagent.org/decision_logs"),
  decision_id: v.optional(v.string(), ""),
  input: v.optional(v.looseObject({})),
  result: v.optional(v.unknown()),
  verdict: v.optional(v.picklist(["allow", "deny", "none"])),
  reason: v.optional(v.string()),
  status: v.optional(v.nullable(v.number())),
  masked: v.optional(v.array(v.string()), []),
  erased: v.optional(v.array(v.string()), []),
  request: v.optional(v.object({ method: v.string(), target: v.string() })),
});

export type Recorded =
  | {
      readonly kind: "decision";
      readonly id: string;
      readonly verdict: "allow" | "deny";
      readonly input: object;
      /** `GET /orders/7`; empty for a connection. */
      readonly subject: string;
      /** Some of the input is not in the log. */
      readonly isPartial: boolean;
    }
  /** Refused before a policy was asked, or without one. */
  | { readonly kind: "undecided" }
  /** Something else than a decision. */
  | { readonly kind: "other" };

export function readRecord(line: string): Recorded {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), line);
  if (!parsed.success) return { kind: "other" };
  const { decision_id, input, verdict, masked, erased, request, result } = parsed.output;
  const isDecided = result !== undefined && (verdict === "allow" || verdict === "deny");
  if (!isDecided || input === undefined) return { kind: "undecided" };
  return {
    kind: "decision",
    id: decision_id,
    verdict,
    input,
    subject: request === undefined ? "" : `${request.method} ${request.target}`,
    isPartial: [...masked, ...erased].some((pointer) => pointer.startsWith("/input")),
  };
}
