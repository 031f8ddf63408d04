/**
 * The envelope of an admission request (admission.k8s.io/v1, AdmissionReview): bytes in, a checked
 * request out; an answer in, the review that the API server expects out. The object inside stays
 * as it came: fields that are not known here must survive. Pure.
 */
import type { Operation } from "fast-json-patch";
import * as v from "valibot";

const apiVersion = "admission.k8s.io/v1";
const kind = "AdmissionReview";

const text = v.pipe(v.string(), v.minLength(1));

const requestSchema = v.object({
  uid: text,
  kind: v.object({ group: v.string(), version: v.string(), kind: text }),
  subResource: v.optional(v.string(), ""),
  namespace: v.optional(v.string(), ""),
  operation: text,
  dryRun: v.optional(v.boolean(), false),
  object: v.optional(v.unknown()),
  /** Of an update. */
  oldObject: v.optional(v.unknown()),
});

/** Only the fields that are used. */
export type AdmissionRequest = v.InferOutput<typeof requestSchema>;

export type ParsedReview =
  | { readonly kind: "request"; readonly request: AdmissionRequest }
  | { readonly kind: "malformed"; readonly message: string };

/** Pods are less than 30 levels deep, their managedFields included. */
export const maxDepth = 200;

export function parseReview(bytes: Uint8Array): ParsedReview {
  let review: unknown;
  try {
    review = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return malformed(`not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (isDeeperThan(review, maxDepth)) return malformed(`deeper than ${maxDepth} levels`);
  const envelope = v.safeParse(
    v.object({ apiVersion: v.string(), kind: v.string(), request: v.unknown() }),
    review,
  );
  if (!envelope.success) return malformed(describe(envelope.issues));
  if (envelope.output.apiVersion !== apiVersion || envelope.output.kind !== kind) {
    const given = `${envelope.output.kind} of ${envelope.output.apiVersion}`;
    return malformed(`${given.slice(0, 200)}, accepted is ${kind} of ${apiVersion}`);
  }
  const request = v.safeParse(requestSchema, envelope.output.request);
  if (!request.success) return malformed(describe(request.issues, "request."));
  return { kind: "request", request: request.output };
}

function malformed(problem: string): ParsedReview {
  return { kind: "malformed", message: `Cannot read AdmissionReview: ${problem}` };
}

function describe(issues: readonly v.BaseIssue<unknown>[], prefix = ""): string {
  const fields = issues.map((issue) => {
    const path = issue.path?.map((item) => String(item.key)).join(".") ?? "";
    return `${prefix}${path} is ${issue.received}, accepted is ${issue.expected ?? "another value"}`;
  });
  return fields.join("; ");
}

/** Goes no deeper than it allows, so that what is too deep for later steps is not for this one. */
function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return items.some((item) => isDeeperThan(item, levels - 1));
}

export type Answer =
  | {
      readonly allowed: true;
      /** Empty: the pod stays as it is. */
      readonly patch: readonly Operation[];
      readonly warnings: readonly string[];
      readonly reason: string;
    }
  | {
      readonly allowed: false;
      /** HTTP status that the client of the API server gets. */
      readonly code: number;
      readonly message: string;
      readonly warnings: readonly string[];
      readonly reason: string;
    };

/**
 * With what the API server keeps in its audit log beside the reason, as `NAME-OF-THE-WEBHOOK/KEY`;
 * what is empty is left out.
 */
export type AuditedAnswer = Answer & {
  readonly audit: Readonly<Record<"result" | "revision" | "mode", string>>;
};

/** The API server cuts longer warnings off, and all of them at 4096 characters. */
const warningLimit = 256;

export function buildReview(uid: string, answer: AuditedAnswer): object {
  const { result, revision, mode } = answer.audit;
  const audit = Object.entries({ result, reason: answer.reason, revision, mode });
  const response = {
    uid,
    allowed: answer.allowed,
    auditAnnotations: Object.fromEntries(audit.filter(([, value]) => value !== "")),
    ...(answer.warnings.length === 0 ? {} : { warnings: answer.warnings.map(shorten) }),
  };
  return { apiVersion, kind, response: { ...response, ...outcome(answer) } };
}

function outcome(answer: Answer): object {
  if (!answer.allowed) {
    const { code, message } = answer;
    return { status: { status: "Failure", code, message, reason: statusReason(code) } };
  }
  if (answer.patch.length === 0) return {};
  const patch = Buffer.from(JSON.stringify(answer.patch)).toString("base64");
  return { patchType: "JSONPatch", patch };
}

/** `metav1.StatusReason`, which clients match on. */
function statusReason(code: number): string {
  const reasons: Readonly<Record<number, string>> = {
    400: "BadRequest",
    404: "NotFound",
    422: "Invalid",
    503: "ServiceUnavailable",
    504: "Timeout",
  };
  return reasons[code] ?? "InternalError";
}

function shorten(warning: string): string {
  return warning.length <= warningLimit ? warning : `${warning.slice(0, warningLimit - 1)}…`;
}
