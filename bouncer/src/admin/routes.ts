/**
 * What the admin port answers. The same table answers on the application's ports, where
 * ADMIN_ON_PROXY_PORT allows it; there it knows neither probes nor the drain hook.
 */
import { timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { AuditStatus } from "../audit/audit.ts";
import type { Route } from "../config.ts";
import { adminPath, type Probe } from "../contract.ts";
import type { Policy, PolicyStatus } from "../policy/decision.ts";
import type { ProbeResult } from "../probe/probe.ts";
import { diagnose } from "./diagnosis.ts";

export interface AdminDeps {
  readonly version: string;
  readonly policy: Policy;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly state: () => ServingState;
  readonly startDrain: () => void;
  readonly token: string | null;
  readonly probes: readonly Probe[];
  readonly runProbe: (probe: Probe) => Promise<ProbeResult>;
  readonly routes: readonly Route[];
  readonly audit: () => AuditStatus;
  readonly shadow: boolean;
  /** Asks other threads what they have counted. Never rejects. */
  readonly look: () => Promise<void>;
}

export interface ServingState {
  readonly listening: boolean;
  readonly draining: boolean;
  readonly startedAt: number;
  readonly inFlight: number;
  readonly connections: number;
  /** That carry requests: as many as there should be, and those that listen now. */
  readonly threads: { readonly total: number; readonly serving: number };
  readonly routes: readonly { readonly port: number; readonly target: string }[];
}

export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type AdminHandler = (deps: AdminDeps) => AdminAnswer | Promise<AdminAnswer>;

interface AdminRoute {
  readonly methods: readonly string[];
  readonly loopbackOnly: boolean;
  readonly handle: AdminHandler;
}

const read = ["GET", "HEAD"] as const;

export const adminRoutes: Readonly<Record<string, AdminRoute>> = {
  [adminPath.health]: { methods: read, loopbackOnly: false, handle: answerHealth },
  [adminPath.ready]: { methods: read, loopbackOnly: false, handle: answerReady },
  [adminPath.metrics]: { methods: read, loopbackOnly: false, handle: answerMetrics },
  [adminPath.status]: { methods: read, loopbackOnly: false, handle: answerStatus },
  [adminPath.refresh]: { methods: ["POST"], loopbackOnly: true, handle: answerRefresh },
};

export function json(status: number, value: unknown): AdminAnswer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

function answerHealth({ state }: AdminDeps): AdminAnswer {
  return state().listening
    ? json(200, { status: "ok" })
    : json(503, { reason: "starting", detail: "the listeners are not up yet" });
}

function answerReady({ state, policy, shadow }: AdminDeps): AdminAnswer {
  const { listening, draining } = state();
  if (!listening) return json(503, { reason: "starting", detail: "the listeners are not up yet" });
  if (draining) return json(503, { reason: "draining", detail: "the pod is terminating" });
  const status = policy.status();
  // Shadow mode must not take an application down; it is served as if there were no bouncer.
  if (shadow) return json(200, { status: "ok", bundle: status.bundle, shadow });
  if (status.bundle === null) return json(503, { reason: "no_policy", detail: whyNone(status) });
  return json(200, { status: "ok", bundle: status.bundle });
}

function whyNone({ sync }: PolicyStatus): string {
  if (sync.error !== null) return `${sync.error.code}: ${sync.error.message}`;
  return sync.kind === "none"
    ? "no bundle was loaded and there is no POLICY_SYNC_URL"
    : "no bundle has arrived yet";
}

async function answerMetrics({ metrics }: AdminDeps): Promise<AdminAnswer> {
  return { status: 200, type: metrics.contentType, body: await metrics.render() };
}

async function answerStatus(deps: AdminDeps): Promise<AdminAnswer> {
  await deps.look();
  const { version, policy, state, shadow, audit } = deps;
  const { startedAt, ...rest } = state();
  const started_at = new Date(startedAt).toISOString();
  return json(200, {
    version,
    started_at,
    ...rest,
    shadow,
    policy: policy.status(),
    audit: audit(),
  });
}

async function answerRefresh({ policy }: AdminDeps): Promise<AdminAnswer> {
  await policy.refresh();
  const status = policy.status();
  return json(status.sync.error === null ? 200 : 502, status);
}

/** Not how long the common start is, only whether all of it is the same. */
function isToken(token: string | null, given: string): boolean {
  if (token === null) return false;
  const [expected, actual] = [Buffer.from(token), Buffer.from(given)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** Probes, the drain hook and the diagnosis, for who knows the token; null: there is no such thing. */
export function findHidden(path: string, deps: AdminDeps): AdminHandler | null {
  const [lead, kind, token, container, field, ...more] = path.split("/");
  if (lead !== "" || token === undefined || !isToken(deps.token, token)) return null;
  if (`/${kind}` === adminPath.drain && container === undefined) return answerDrain;
  if (`/${kind}` === adminPath.diagnosis && container === undefined) return answerDiagnosis;
  if (`/${kind}` !== adminPath.probe || more.length > 0) return null;
  const probe = deps.probes.find((one) => one.container === container && one.field === field);
  if (probe === undefined) return null;
  return async ({ runProbe }) => {
    const { status, text } = await runProbe(probe);
    return { status, type: "text/plain; charset=utf-8", body: text };
  };
}

/** Never rejects. */
export async function answerWith(handler: AdminHandler, deps: AdminDeps): Promise<AdminAnswer> {
  try {
    return await handler(deps);
  } catch (error) {
    const detail = error instanceof Error ? error.message : "unknown";
    return json(500, { reason: "internal", detail });
  }
}

/** For who has found the path in the table. Never rejects. */
export async function answerPath(path: string, deps: AdminDeps): Promise<AdminAnswer> {
  const route = adminRoutes[path];
  return route === undefined ? json(404, { reason: "not_found" }) : answerWith(route.handle, deps);
}

function answerDrain({ startDrain }: AdminDeps): AdminAnswer {
  startDrain();
  return json(200, { status: "draining" });
}

async function answerDiagnosis(deps: AdminDeps): Promise<AdminAnswer> {
  return json(
    200,
    await diagnose({
      ...deps,
      now: Date.now,
      listening: deps.state().listening,
      policy: deps.policy.status(),
      audit: deps.audit(),
    }),
  );
}

export function writeAnswer(response: ServerResponse, answer: AdminAnswer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    "Content-Type": answer.type,
    "Content-Length": body.length,
    "Cache-Control": "no-store",
  });
  response.end(body);
}

export function pathOf(target: string): string {
  const end = target.indexOf("?");
  return end === -1 ? target : target.slice(0, end);
}
