/**
 * `bouncer redirect`: puts the rules in, in both families, and reads them back. Fails rather than
 * leave one family open, since a pod whose init container failed does not start.
 */
import {
  describeResult,
  fail,
  familyName,
  findBackend,
  parseCapabilities,
  programName,
  type Backend,
  type Capabilities,
  type Family,
  type RedirectFailure,
  type RunProgram,
} from "./backend.ts";
import { formatRange } from "./ports.ts";
import { findDifferences, planRules, renderRestore } from "./rules.ts";
import { parseRedirectSettings, type RedirectSettings } from "./settings.ts";

export interface RedirectDeps {
  readonly run: RunProgram;
  /** Null when the file does not exist or cannot be read. */
  readonly readText: (path: string) => Promise<string | null>;
  readonly log: Record<
    "info" | "warn" | "error",
    (fields: Readonly<Record<string, unknown>>, message: string) => void
  >;
  /** Shown by `kubectl describe pod` when the container failed. Never rejects. */
  readonly writeTerminationMessage: (text: string) => Promise<void>;
}

const exitCode = { done: 0, failed: 1, configInvalid: 2 } as const;

export async function runRedirect(
  env: Readonly<Record<string, string | undefined>>,
  deps: RedirectDeps,
): Promise<number> {
  const parsed = parseRedirectSettings(env);
  if (parsed.kind === "invalid") {
    for (const problem of parsed.problems) {
      deps.log.error({ code: "config_invalid", problem }, "configuration is not valid");
    }
    await deps.writeTerminationMessage(parsed.problems.join("\n"));
    return exitCode.configInvalid;
  }
  const outcome = await redirect(parsed.config, deps);
  if (outcome.kind === "failure") {
    deps.log.error({ code: outcome.code, problem: outcome.message }, "redirect failed");
    await deps.writeTerminationMessage(outcome.message);
    return exitCode.failed;
  }
  const { listeners, openPorts, unlistedPorts, excludedSources } = parsed.config;
  deps.log.info(
    {
      listeners,
      openPorts: openPorts.map((range) => formatRange(range, "-")),
      unlistedPorts,
      excludedSources: excludedSources.map(({ block }) => block),
      backends: outcome.backends,
    },
    "redirect in force",
  );
  return exitCode.done;
}

type Backends = Readonly<Partial<Record<Family, Backend>>>;

/** Finds what works in every family before anything is changed in one. */
async function redirect(
  settings: RedirectSettings,
  deps: RedirectDeps,
): Promise<{ readonly kind: "done"; readonly backends: Backends } | RedirectFailure> {
  const capabilities = parseCapabilities(await deps.readText("/proc/self/status"));
  const ipv4 = await findBackend("ipv4", deps.run, capabilities);
  if (ipv4.kind === "failure") return ipv4;
  const ipv6 = await findIpv6Backend(deps, capabilities);
  if (ipv6.kind === "failure") return ipv6;

  const backends: Backends = {
    ipv4: ipv4.backend,
    ...(ipv6.kind === "found" ? { ipv6: ipv6.backend } : {}),
  };
  for (const family of ["ipv4", "ipv6"] as const) {
    const backend = backends[family];
    if (backend === undefined) continue;
    const failure = await applyRules(family, backend, settings, deps.run);
    if (failure !== null) return failure;
  }
  return { kind: "done", backends };
}

/** Addresses of all interfaces; the file is there exactly when the kernel has IPv6. */
const ipv6AddressesPath = "/proc/net/if_inet6";

async function findIpv6Backend(deps: RedirectDeps, capabilities: Capabilities | null) {
  const addresses = await deps.readText(ipv6AddressesPath);
  if (addresses === null) {
    deps.log.info({}, "no IPv6 in the kernel, nothing to redirect in that family");
    return { kind: "skipped" } as const;
  }
  const found = await findBackend("ipv6", deps.run, capabilities);
  if (found.kind === "failure" && !hasReachableAddress(addresses)) {
    deps.log.warn({ problem: found.message }, "no IPv6 address in the pod, family left as it is");
    return { kind: "skipped" } as const;
  }
  return found;
}

/** Any address but those of `lo`; the name of the interface is the last field of a line. */
function hasReachableAddress(addresses: string): boolean {
  const interfaces = addresses.split("\n").map((line) => line.trim().split(/\s+/).at(-1) ?? "");
  return interfaces.some((name) => name !== "" && name !== "lo");
}

/** Null when the rules are in force. */
async function applyRules(
  family: Family,
  backend: Backend,
  settings: RedirectSettings,
  run: RunProgram,
): Promise<RedirectFailure | null> {
  const plan = planRules(settings, family);
  const name = familyName[family];
  const before = await readRules(family, backend, run);
  if (before.kind === "failure") return before;

  const program = programName(family, backend, "restore");
  const result = await run(program, ["--noflush"], renderRestore(plan, before.saved));
  if (result.kind === "missing" || result.code !== 0) {
    return fail(
      "redirect_failed",
      `Cannot redirect ${name} connections: ${program}: ${describeResult(result)}`,
    );
  }
  const after = await readRules(family, backend, run);
  if (after.kind === "failure") return after;
  const differences = findDifferences(plan, after.saved);
  if (differences.length === 0) return null;
  return fail(
    "redirect_not_in_force",
    `Cannot redirect ${name} connections: ${differences.join("; ")}`,
  );
}

async function readRules(
  family: Family,
  backend: Backend,
  run: RunProgram,
): Promise<{ readonly kind: "read"; readonly saved: string } | RedirectFailure> {
  const program = programName(family, backend, "save");
  const saved: string[] = [];
  for (const table of ["nat", "filter"]) {
    const result = await run(program, ["-t", table], "");
    if (result.kind === "missing" || result.code !== 0) {
      return fail(
        "redirect_failed",
        `Cannot read the ${familyName[family]} rules: ${program}: ${describeResult(result)}`,
      );
    }
    saved.push(result.stdout);
  }
  return { kind: "read", saved: saved.join("\n") };
}
