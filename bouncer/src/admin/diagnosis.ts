/**
 * What works between here and the application, tried when it is asked for: connections and probes
 * now, not hooks, which have effects. All at the same time, each for a bounded time.
 */
import type { AuditStatus } from "../audit/audit.ts";
import type { Route } from "../config.ts";
import type { Probe } from "../contract.ts";
import type { PolicyStatus } from "../policy/decision.ts";
import type { ProbeResult } from "../probe/probe.ts";
import { formatAuthority } from "../proxy/app-socket.ts";

const limitSeconds = 2;
/** An error page is not an error message. */
const maxErrorChars = 300;

export interface DiagnosisDeps {
  readonly version: string;
  readonly now: () => number;
  readonly listening: boolean;
  readonly routes: readonly Route[];
  readonly policy: PolicyStatus;
  readonly probes: readonly Probe[];
  readonly runProbe: (probe: Probe) => Promise<ProbeResult>;
  readonly audit: AuditStatus;
  readonly shadow: boolean;
}

function isProbe({ field }: Probe): boolean {
  return field !== "postStart" && field !== "preStop";
}

function errorOf({ status, text }: ProbeResult): string | null {
  if (status >= 200 && status < 400) return null;
  const shown = text.trim().slice(0, maxErrorChars);
  return shown === "" ? `status ${status}` : shown;
}

async function diagnoseRoute({ port, target }: Route, deps: DiagnosisDeps): Promise<unknown> {
  const result = await deps.runProbe({
    container: "",
    field: "livenessProbe",
    timeoutSeconds: limitSeconds,
    action: { kind: "tcp", port: target.port, host: target.host },
  });
  const error = errorOf(result);
  return {
    port,
    target: formatAuthority(target),
    listening: deps.listening,
    application: { ok: error === null, error },
  };
}

async function diagnoseProbe(probe: Probe, { runProbe }: DiagnosisDeps): Promise<unknown> {
  const timeoutSeconds = Math.min(probe.timeoutSeconds, limitSeconds);
  const result = await runProbe({ ...probe, timeoutSeconds });
  const { container, field } = probe;
  return { container, field, status: result.status, error: errorOf(result) };
}

function describePolicy(
  { bundle, bundles, activatedAt, sync }: PolicyStatus,
  now: number,
): unknown {
  const { kind, connected, error } = sync;
  return {
    revision: bundle?.revision ?? null,
    sha256: bundle?.sha256 ?? null,
    bundles: bundles.map(({ name, revision }) => ({ name, revision })),
    ageSeconds: activatedAt === null ? null : Math.max(0, Math.round((now - activatedAt) / 1000)),
    source: {
      kind,
      connected,
      error: error === null ? null : `${error.code}: ${error.message}`,
    },
  };
}

export async function diagnose(deps: DiagnosisDeps): Promise<unknown> {
  const { version, policy, audit, shadow } = deps;
  const [listeners, probes] = await Promise.all([
    Promise.all(deps.routes.map((route) => diagnoseRoute(route, deps))),
    Promise.all(deps.probes.filter(isProbe).map((probe) => diagnoseProbe(probe, deps))),
  ]);
  return {
    version,
    listeners,
    policy: describePolicy(policy, deps.now()),
    probes,
    audit,
    shadow,
  };
}
