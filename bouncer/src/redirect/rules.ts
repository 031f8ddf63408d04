/**
 * The rules that put the bouncer in front of the application's ports: settings in, text for
 * iptables-restore out, and what iptables-save must say afterwards. Both families get the same
 * rules, but for the addresses of excluded sources. They are written as iptables-save prints them, so that they can be compared. Pure.
 */
import type { Family } from "./backend.ts";
import { matchPorts, toRange } from "./ports.ts";
import type { RedirectSettings } from "./settings.ts";

interface TablePlan {
  readonly table: "nat" | "filter";
  /** Built-in chain that jumps to ours at its first position, before whatever else is there. */
  readonly parent: "PREROUTING" | "INPUT";
  readonly chain: "BOUNCER_REDIRECT" | "BOUNCER_INPUT";
  readonly rules: readonly string[];
}

/** Only inbound TCP comes to our chains: UDP, ICMP and what the pod sends are as they were. */
export function planRules(settings: RedirectSettings, family: Family): readonly TablePlan[] {
  const undecided = ["-i lo -j RETURN", ...planExclusions(settings, family)];
  return [
    {
      table: "nat",
      parent: "PREROUTING",
      chain: "BOUNCER_REDIRECT",
      rules: [...undecided, ...planRedirect(settings)].map((rule) => `-A BOUNCER_REDIRECT ${rule}`),
    },
    {
      table: "filter",
      parent: "INPUT",
      chain: "BOUNCER_INPUT",
      rules: [...undecided, ...planInput(settings)].map((rule) => `-A BOUNCER_INPUT ${rule}`),
    },
  ];
}

/** In both tables: what nat leaves alone, the filter must not refuse. */
function planExclusions({ excludedSources }: RedirectSettings, family: Family): string[] {
  return excludedSources
    .filter((source) => source.family === family)
    .map(({ block }) =>
      // iptables shows a block that holds everybody by not showing it.
      block.endsWith("/0") ? "-j RETURN" : `-s ${block} -j RETURN`,
    );
}

function planRedirect({ listeners }: RedirectSettings): string[] {
  return listeners
    .toSorted((a, b) => a.targetPort - b.targetPort)
    .map(
      ({ port, targetPort }) =>
        `-p tcp -m tcp --dport ${targetPort} -j REDIRECT --to-ports ${port}`,
    );
}

/**
 * Runs after nat: a redirected connection has the listener's port here. One that still has the
 * application's port went past nat (untracked by a foreign rule) and is refused in either mode.
 */
function planInput(settings: RedirectSettings): string[] {
  const targets = settings.listeners.map(({ targetPort }) => toRange(targetPort));
  const listeners = settings.listeners.map(({ port }) => toRange(port));
  const entries = [...listeners, ...settings.openPorts];
  const refused = "-j REJECT --reject-with tcp-reset";
  return [
    "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
    // Not a reset: nat does not translate such packets, and a late duplicate would end a good
    // connection (kubernetes/kubernetes#74839).
    "-m conntrack --ctstate INVALID -j DROP",
    ...(settings.unlistedPorts === "deny"
      ? [...matchPorts(entries).map((match) => `${match} -j RETURN`), `-p tcp ${refused}`]
      : matchPorts(targets).map((match) => `${match} ${refused}`)),
  ];
}

/**
 * Text for `iptables-restore --noflush`. `:CHAIN - [0:0]` makes our chain or empties it; jumps to
 * it that `saved` shows are deleted and one is put first, all in one transaction for each table.
 */
export function renderRestore(plan: readonly TablePlan[], saved: string): string {
  return plan
    .map(({ table, parent, chain, rules }) =>
      [
        `*${table}`,
        `:${chain} - [0:0]`,
        ...jumpsTo(chain, tableLines(saved, table)).map((jump) => jump.replace("-A ", "-D ")),
        `-I ${parent} 1 -p tcp -j ${chain}`,
        ...rules,
        "COMMIT",
        "",
      ].join("\n"),
    )
    .join("");
}

/** How what iptables-save says differs from the plan; empty when the rules are in force. */
export function findDifferences(plan: readonly TablePlan[], saved: string): readonly string[] {
  return plan.flatMap(({ table, parent, chain, rules }) => {
    const lines = tableLines(saved, table);
    const own = lines.filter((line) => line.startsWith(`-A ${chain} `));
    const jump = `-A ${parent} -p tcp -j ${chain}`;
    const first = lines.find((line) => line.startsWith(`-A ${parent} `));
    return [
      ...(own.join("\n") === rules.join("\n")
        ? []
        : [`chain ${chain} is "${own.join("; ")}" instead of "${rules.join("; ")}"`]),
      ...(first === jump
        ? []
        : [`the first rule of ${parent} is "${first ?? ""}" instead of "${jump}"`]),
      ...(jumpsTo(chain, lines).length === 1
        ? []
        : [`there is more than one jump to ${chain}, or none`]),
    ];
  });
}

function tableLines(saved: string, table: string): readonly string[] {
  const lines = saved.split("\n").map((line) => line.trim());
  const start = lines.indexOf(`*${table}`);
  if (start === -1) return [];
  const end = lines.indexOf("COMMIT", start);
  return lines.slice(start + 1, end === -1 ? undefined : end);
}

function jumpsTo(chain: string, lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("-A ") && line.endsWith(` -j ${chain}`));
}

const probeChain = "BOUNCER_PROBE";

/** Every match and target that the rules use, in a chain that nothing jumps to. */
export const probeText = `*nat
:${probeChain} - [0:0]
-A ${probeChain} -p tcp -m tcp --dport 1 -j REDIRECT --to-ports 1
COMMIT
*filter
:${probeChain} - [0:0]
-A ${probeChain} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
-A ${probeChain} -p tcp -m multiport --dports 1,3:4 -j REJECT --reject-with tcp-reset
COMMIT
`;

/** Works whether the probe was applied whole, in part or not at all. */
export const probeRemovalText = ["nat", "filter"]
  .map((table) => `*${table}\n:${probeChain} - [0:0]\n-X ${probeChain}\nCOMMIT\n`)
  .join("");
