/** Environment of `bouncer redirect`, parsed once; every problem is reported. Pure. */
import * as v from "valibot";
import { listeners, port } from "../config/value.ts";
import { redirectEnvironment, type Listener } from "../contract.ts";

export interface RedirectSettings {
  readonly listeners: readonly Listener[];
  /** TCP ports that are let through as they are. */
  readonly openPorts: readonly number[];
  /** What happens to TCP ports that are neither an application's nor open. */
  readonly unlistedPorts: "deny" | "allow";
}

export type SettingsResult =
  | { readonly kind: "ok"; readonly settings: RedirectSettings }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

const ports = v.pipe(
  v.string(),
  v.transform((text) => (text === "" ? [] : text.split(",").map((item) => item.trim()))),
  v.array(port),
);

const schema = v.object({
  [redirectEnvironment.listeners]: listeners,
  [redirectEnvironment.openPorts]: v.optional(ports, ""),
  [redirectEnvironment.unlistedPorts]: v.optional(v.picklist(["deny", "allow"]), "deny"),
});

const accepted: Readonly<Record<string, string>> = {
  [redirectEnvironment.listeners]:
    '"none", or a comma-separated list of port:targetPort, each port listened on once',
  [redirectEnvironment.openPorts]: "a comma-separated list of ports from 1 to 65535",
  [redirectEnvironment.unlistedPorts]: '"deny" or "allow"',
};

export function parseRedirectSettings(
  env: Readonly<Record<string, string | undefined>>,
): SettingsResult {
  // Others are no mistake: Kubernetes adds REDIRECT_PORT and more for a Service named "redirect".
  const set = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => Object.hasOwn(accepted, name) && value !== ""),
  );
  const parsed = v.safeParse(schema, set);
  if (!parsed.success) {
    const names = new Set(parsed.issues.map((issue) => String(issue.path?.[0].key)));
    return {
      kind: "invalid",
      problems: [...names].map((name) => complain(name, set[name])),
    };
  }
  const settings: RedirectSettings = {
    listeners: parsed.output[redirectEnvironment.listeners],
    openPorts: parsed.output[redirectEnvironment.openPorts],
    unlistedPorts: parsed.output[redirectEnvironment.unlistedPorts],
  };
  const problems = findContradictions(settings);
  return problems.length === 0 ? { kind: "ok", settings } : { kind: "invalid", problems };
}

function complain(name: string, value: string | undefined): string {
  const what =
    value === undefined ? `${name}: it is not set` : `${name} "${value}": it is not valid`;
  return `Cannot use ${what}, accepted is ${accepted[name] ?? ""}`;
}

/** Ports that would be decided in two ways: the rules are only right without them. */
function findContradictions({ listeners: all, openPorts }: RedirectSettings): string[] {
  const targets = all.map((listener) => listener.targetPort);
  const repeated = targets.filter((target, index) => targets.indexOf(target) !== index);
  const taken = all.filter((listener) => targets.includes(listener.port));
  return [
    ...[...new Set(repeated)].map(
      (target) => `Cannot redirect port ${target}: it has more than one listener`,
    ),
    ...taken.map((one) => `Cannot listen on port ${one.port}: it is a port of the application`),
    ...targets
      .filter((target) => openPorts.includes(target))
      .map((target) => `Cannot redirect port ${target}: it is among the open ports`),
  ];
}
