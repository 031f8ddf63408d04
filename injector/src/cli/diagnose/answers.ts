/**
 * What the bouncer answers on its admin port, and what came back through the API server's pod
 * proxy: bytes of another program, so they are checked. Fields that this version does not know are
 * left alone, and those of an older bouncer may be absent. Pure.
 */
import * as v from "valibot";
import type { Missing } from "./checks.ts";

/** An answer by way of `pods/NAME:PORT/proxy`. */
export type ProxyAnswer =
  | {
      readonly kind: "answer";
      readonly status: number;
      /** Lower-case names. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** The caller lacks a permission. */
  | { readonly kind: "forbidden"; readonly message: string }
  /** The API server could not reach the port. */
  | { readonly kind: "unreachable"; readonly message: string }
  /** The API server itself gave no usable answer. */
  | { readonly kind: "failed"; readonly message: string };

/** Failures are text, or an object with a code. */
const problem = v.optional(
  v.nullable(
    v.union([
      v.string(),
      v.pipe(
        v.object({ code: v.optional(v.string()), message: v.string() }),
        v.transform(({ code, message }) => (code === undefined ? message : `${code}: ${message}`)),
      ),
    ]),
  ),
  null,
);

const source = v.object({ kind: v.string(), connected: v.boolean(), error: problem });

/** All that are enforced together; older bouncers have one and do not say which. */
const bundles = v.optional(v.array(v.object({ name: v.string(), revision: v.string() })), []);

const policy = v.object({
  bundles,
  revision: v.optional(v.nullable(v.string()), null),
  sha256: v.optional(v.nullable(v.string()), null),
  ageSeconds: v.optional(v.nullable(v.number()), null),
  source,
});
export type PolicyFacts = v.InferOutput<typeof policy>;

const diagnosisSchema = v.object({
  version: v.optional(v.string(), ""),
  listeners: v.array(
    v.object({
      port: v.number(),
      target: v.string(),
      listening: v.boolean(),
      application: v.object({ ok: v.boolean(), error: problem }),
    }),
  ),
  policy,
  probes: v.array(
    v.object({
      container: v.string(),
      field: v.string(),
      status: v.nullable(v.number()),
      error: problem,
    }),
  ),
  audit: v.object({
    enabled: v.boolean(),
    destination: v.optional(v.nullable(v.string()), null),
    mode: v.optional(v.nullable(v.string()), null),
    dropped: v.optional(v.number(), 0),
    error: problem,
  }),
  shadow: v.optional(v.boolean(), false),
});
export type Diagnosis = v.InferOutput<typeof diagnosisSchema>;

const statusSchema = v.object({
  version: v.optional(v.string(), ""),
  policy: v.object({
    bundle: v.nullable(v.object({ revision: v.string(), sha256: v.string() })),
    bundles,
    activatedAt: v.nullable(v.number()),
    sync: source,
  }),
});

/** Of `/diagnosis/<token>`; text is what is wrong with it. */
export function parseDiagnosis(body: string): Diagnosis | string {
  return parse(diagnosisSchema, body);
}

/** The policy of `/v1/status`, for bouncers without a diagnosis. */
export function parsePolicy(body: string, nowMs: number): PolicyFacts | string {
  const status = parse(statusSchema, body);
  if (typeof status === "string") return status;
  const { bundle, activatedAt, sync } = status.policy;
  return {
    bundles: status.policy.bundles,
    revision: bundle?.revision ?? null,
    sha256: bundle?.sha256 ?? null,
    ageSeconds: activatedAt === null ? null : Math.max(0, (nowMs - activatedAt) / 1000),
    source: sync,
  };
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  body: string,
): v.InferOutput<Schema> | string {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), body);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  return `${v.getDotPath(issue) ?? "the answer"}: ${issue.message}`;
}

/** All requests that the bouncer has counted; null when the text has no such counter. */
export function countRequests(metrics: string): number | null {
  const samples = [...metrics.matchAll(/^bouncer_requests_total(?:\{[^}]*\})? (\S+)$/gm)];
  if (samples.length > 0) return samples.reduce((sum, [, value]) => sum + Number(value), 0);
  // Declared, but nothing was counted yet.
  return /^# TYPE bouncer_requests_total counter$/m.test(metrics) ? 0 : null;
}

const kubernetesStatus = v.object({
  kind: v.literal("Status"),
  message: v.string(),
  code: v.optional(v.number()),
});

/** The API server answers for itself with a `Status`; everything else is the pod's answer. */
export function readProxyAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): ProxyAnswer {
  const own =
    status >= 400 ? v.safeParse(v.pipe(v.string(), v.parseJson(), kubernetesStatus), body) : null;
  if (own?.success !== true) return { kind: "answer", status, headers, body };
  const { message } = own.output;
  if (status === 401 || status === 403) return { kind: "forbidden", message };
  // Of the proxy: "error trying to reach service: dial tcp ...".
  if (status === 503 || status === 502 || status === 504) return { kind: "unreachable", message };
  return { kind: "failed", message };
}

/** Why a port of a pod gave no answer of its own. */
export function whyNoAnswer(
  answer: Exclude<ProxyAnswer, { kind: "answer" }>,
  namespace: string,
  port: number,
): Missing {
  const { kind, message } = answer;
  if (kind === "forbidden") {
    return {
      why: `the pod proxy may not be used: ${message}`,
      next: `Needed is the permission to get pods/proxy in namespace "${namespace}"`,
    };
  }
  if (kind === "unreachable") {
    return {
      why: `the API server cannot reach port ${port}: ${message}`,
      next: "Let the control plane reach the pod (NetworkPolicy, firewall)",
    };
  }
  return { why: `the API server did not pass the request on: ${message}`, next: "" };
}
