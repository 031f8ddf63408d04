/**
 * Everything that can go wrong in the webhook: a closed table. The code is in logs, in the answer
 * to the API server and in metrics; `status` is what the API server sees. Pure.
 */
export const errorTable = {
  config_invalid: {
    status: 500,
    about: "The environment is not accepted; the webhook does not start.",
  },
  settings_invalid: {
    status: 500,
    about:
      "The settings file is not accepted. At the start: the webhook does not start; later: the last good settings stay.",
  },
  start_failed: {
    status: 500,
    about: "A port cannot be listened on, or the Kubernetes configuration cannot be loaded.",
  },
  api_failed: {
    status: 503,
    about: "The API server did not answer, or refused. It is asked again.",
  },
  secret_missing: {
    status: 503,
    about: "A Secret for certificates is not there. The chart creates it: run helm upgrade.",
  },
  webhook_missing: {
    status: 503,
    about:
      "The MutatingWebhookConfiguration is not there, so no pod is sent here. The chart creates it: run helm upgrade.",
  },
  conflict: {
    status: 503,
    about:
      "Other replicas changed a Secret at the same moment, again and again. It is tried again.",
  },
  media_type_unsupported: {
    status: 415,
    about: "The request is not application/json, or it is compressed.",
  },
  body_too_large: { status: 413, about: "The request is larger than 8 MiB." },
  review_malformed: {
    status: 400,
    about: "The request is not an AdmissionReview of admission.k8s.io/v1.",
  },
  request_unexpected: {
    status: 400,
    about:
      "The AdmissionReview is not about the creation of a pod, or at /warn not about a workload.",
  },
  namespace_unknown: { status: 404, about: "The pod's namespace does not exist." },
  plain_http: {
    status: 400,
    about: "The client spoke HTTP on the port of HTTPS.",
  },
  deadline_exceeded: {
    status: 504,
    about: "The answer was not ready within the time the API server waits.",
  },
  internal: { status: 500, about: "A bug. The pod is refused, the log has the stack." },
} as const satisfies Record<string, { readonly status: number; readonly about: string }>;

export type ErrorCode = keyof typeof errorTable;

export class InjectorError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "InjectorError";
    this.code = code;
  }
}

/** Whatever was thrown, with a code. */
export function toInjectorError(error: unknown): InjectorError {
  if (error instanceof InjectorError) return error;
  return new InjectorError("internal", messageOf(error), error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
