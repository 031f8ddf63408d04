/** Rows about what the bouncer decides by, and what it records. Pure. */
import type { Diagnosis, PolicyFacts } from "./answers.ts";
import { type Asked, fail, type Finding, good, type Row, row, unknown, warn } from "./checks.ts";
import type { Facts } from "./facts.ts";

export function policyRows({ policy, diagnosis }: Facts): Row[] {
  return [
    row("policy", policy.kind === "known" ? judgePolicy(policy.value) : unknown(policy)),
    row("policy_source", policy.kind === "known" ? judgeSource(policy.value) : unknown(policy)),
    row("audit", judgeAudit(diagnosis)),
  ];
}

const isActive = ({ revision, sha256 }: PolicyFacts): boolean =>
  sha256 !== null || revision !== null;

function judgePolicy(policy: PolicyFacts): Finding {
  if (!isActive(policy)) {
    return fail(
      "none: every request is refused (no_policy)",
      "The row policy source says why none has arrived",
    );
  }
  const { revision, sha256, ageSeconds, bundles } = policy;
  const digest = sha256 === null ? "" : ` (sha256 ${sha256.slice(0, 12)})`;
  const age = ageSeconds === null ? "" : `, for ${formatAge(ageSeconds)}`;
  const parts = bundles.map((bundle) => `${bundle.name} ${nameRevision(bundle.revision)}`);
  const all = parts.length > 1 ? `; ${parts.join(", ")}` : "";
  return good(`${nameRevision(revision)}${digest}${age}${all}`);
}

const nameRevision = (revision: string | null) =>
  revision === null || revision === "" ? "without a revision" : `revision ${revision}`;

function judgeSource(policy: PolicyFacts): Finding {
  const { kind, connected, error } = policy.source;
  const what = kind === "bridge" ? "the bridge" : "the place of bundles";
  if (kind === "none") {
    return warn(
      "none: the policy is the one of the pod's start until the pod is created again",
      "Set the operator's policy.syncUrl, or bouncer.dev/policy-sync-url",
    );
  }
  if (connected && error === null) return good(`${what} is in reach`);
  const state = connected ? `${what} is in reach` : `${what} is not in reach`;
  const detail = error === null ? state : `${state}: ${error}`;
  const next = connected
    ? "Correct the bundle: until then, the revision before it stays in force"
    : "Check that the bridge runs (kubectl bouncer check) and that a NetworkPolicy lets this pod reach it";
  return isActive(policy) ? warn(detail, next) : fail(detail, next);
}

function judgeAudit(diagnosis: Asked<Diagnosis>): Finding {
  if (diagnosis.kind === "missing") return unknown(diagnosis);
  const { enabled, destination, mode, dropped, error } = diagnosis.value.audit;
  if (!enabled) return good("off: no decision is recorded");
  const where = [destination, mode].filter((part) => part !== null).join(", ");
  const lost = dropped === 0 ? "" : `, ${dropped} records lost`;
  if (error !== null) {
    return fail(
      `${where}${lost}: ${error}`,
      "Make room at the destination of the records; the sidecar's log has more",
    );
  }
  return dropped === 0
    ? good(`${where}, none lost`)
    : warn(
        `${where}${lost}`,
        "The destination was too slow: give the sidecar more, or choose audit mode auditability, which waits",
      );
}

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

export function formatAge(seconds: number): string {
  const [name, length] = units.find(([, size]) => seconds >= size) ?? ["s", 1];
  return `${Math.floor(seconds / length)} ${name}`;
}
