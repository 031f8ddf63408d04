/**
 * What `diagnose` looks at: a closed table, in the order in which people read it. Codes are in the
 * JSON and YAML answers; they are never renamed. Pure.
 */

/** `unknown`: could not be looked at, which the row explains; it is neither good nor bad. */
export type Verdict = "ok" | "warning" | "fail" | "unknown";

export const checks = {
  bouncer: {
    title: "bouncer in the pod",
    about: "The pod has the status annotation and the containers that it names.",
  },
  version: {
    title: "version",
    about: "The pod was injected by the version that is installed now.",
  },
  shadow: {
    title: "shadow mode",
    about: "Requests that the policy does not allow are refused, not only recorded.",
  },
  images: {
    title: "images",
    about: "The images of the bouncer's containers could be pulled; the pull secrets exist.",
  },
  certificate: {
    title: "certificate",
    about: "The Secret with the certificate that clients are shown exists.",
  },
  redirect_step: {
    title: "bouncer-redirect",
    about: "The step that installs the redirect finished with 0.",
  },
  loader_step: {
    title: "policy-loader",
    about: "The step that fetches the first policy finished with 0.",
  },
  sidecar: {
    title: "bouncer-sidecar",
    about: "The sidecar runs, is ready, and was neither restarted nor killed for its memory.",
  },
  listener: {
    title: "listener",
    about:
      "The bouncer accepts connections for an app port; with TLS, if it has a certificate, and what it speaks to the application.",
  },
  application: {
    title: "application",
    about: "The application accepts a connection from inside of the pod.",
  },
  redirect: {
    title: "redirect",
    about: "A request from outside of the pod to an app port is answered by the bouncer.",
  },
  services: {
    title: "Services",
    about: "In service mode: no Service that selects the pod leads past the bouncer.",
  },
  through: {
    title: "through the bouncer",
    about: "A GET of / from outside of the pod gets an answer: the application's or the policy's.",
  },
  policy: { title: "policy", about: "There is a policy to decide by; its revision and age." },
  policy_source: {
    title: "policy source",
    about: "New revisions arrive: the bridge or the place of bundles is in reach.",
  },
  probe: {
    title: "probe",
    about: "A probe of the application that the bouncer performs for the kubelet succeeds.",
  },
  audit: { title: "audit", about: "Records of decisions are written, and none was lost." },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly about: string }>>;

export type CheckCode = keyof typeof checks;

/** One line of the answer. */
export interface Row {
  readonly code: CheckCode;
  /** Of several of the kind: `port 3000`, `web livenessProbe`; empty when there is one. */
  readonly subject: string;
  readonly verdict: Verdict;
  readonly detail: string;
  /** What to do; empty when there is nothing to be done. */
  readonly next: string;
}

export interface Finding {
  readonly verdict: Verdict;
  readonly detail: string;
  readonly next: string;
}

export const good = (detail: string): Finding => ({ verdict: "ok", detail, next: "" });
export const warn = (detail: string, next: string): Finding => ({
  verdict: "warning",
  detail,
  next,
});
export const fail = (detail: string, next: string): Finding => ({ verdict: "fail", detail, next });
export const unknown = ({ why, next }: Missing): Finding => ({
  verdict: "unknown",
  detail: why,
  next,
});

/** A fact that could not be had: why, and what would give it. */
export interface Missing {
  readonly why: string;
  readonly next: string;
}

export type Asked<T> =
  | { readonly kind: "known"; readonly value: T }
  | ({ readonly kind: "missing" } & Missing);

export const known = <T>(value: T): Asked<T> => ({ kind: "known", value });
export const missing = (why: string, next: string): Asked<never> => ({
  kind: "missing",
  why,
  next,
});

export function row(code: CheckCode, finding: Finding, subject = ""): Row {
  return { code, subject, ...finding };
}
