import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findDifferences, planRules, probeRemovalText, probeText, renderRestore } from "./rules.ts";
import type { RedirectSettings } from "./settings.ts";

const onePort: RedirectSettings = {
  listeners: [{ port: 8080, targetPort: 3000 }],
  openPorts: [{ first: 9090, last: 9090 }],
  unlistedPorts: "deny",
  excludedSources: [],
};

const manyPorts: RedirectSettings = {
  listeners: Array.from({ length: 40 }, (_, index) => ({
    port: index === 0 ? 8080 : 15_000 + index,
    targetPort: 3000 + index,
  })),
  openPorts: [{ first: 9090, last: 9090 }],
  unlistedPorts: "deny",
  excludedSources: [],
};

const manyOpen: RedirectSettings = {
  ...onePort,
  openPorts: [
    ...Array.from({ length: 20 }, (_, index) => ({
      first: 20_000 + 2 * index,
      last: 20_000 + 2 * index,
    })),
    ...Array.from({ length: 8 }, (_, index) => ({
      first: 30_000 + 100 * index,
      last: 30_010 + 100 * index,
    })),
  ],
};

const excluded: RedirectSettings = {
  ...onePort,
  excludedSources: [
    { family: "ipv4", block: "10.0.0.0/8" },
    { family: "ipv4", block: "192.0.2.7/32" },
    { family: "ipv6", block: "fd00::/8" },
  ],
};

const fresh = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n";

test.each([
  ["one-port", onePort],
  ["no-port", { ...onePort, listeners: [] }],
  ["unlisted-allowed", { ...onePort, unlistedPorts: "allow" }],
  ["many-ports", manyPorts],
  ["many-ports-unlisted-allowed", { ...manyPorts, unlistedPorts: "allow" }],
  ["many-open-ports", manyOpen],
  ["excluded-sources-ipv4", excluded],
  ["excluded-sources-ipv6", excluded],
  ["excluded-sources-unlisted-allowed", { ...excluded, unlistedPorts: "allow" }],
] satisfies [string, RedirectSettings][])("restore text: %s", async (name, settings) => {
  const family = name.endsWith("ipv6") ? "ipv6" : "ipv4";
  await expect(renderRestore(planRules(settings, family), fresh)).toMatchFileSnapshot(
    `golden/${name}.txt`,
  );
});

test("restore text: over rules that are there, of ours and of others", async () => {
  const saved = `*nat
:PREROUTING ACCEPT [5:300]
:BOUNCER_REDIRECT - [0:0]
-A PREROUTING -m comment --comment "not ours" -j RETURN
-A PREROUTING -p tcp -j BOUNCER_REDIRECT
-A PREROUTING -i eth0 -p tcp -j BOUNCER_REDIRECT
-A BOUNCER_REDIRECT -p tcp -m tcp --dport 1 -j REDIRECT --to-ports 2
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -j OTHER
COMMIT
`;
  await expect(renderRestore(planRules(onePort, "ipv4"), saved)).toMatchFileSnapshot(
    "golden/over-others.txt",
  );
});

test.each([
  ["nothing is there", () => "", 6],
  ["a rule is missing", (saved: string) => saved.replace(/^-A BOUNCER_INPUT -i lo.*\n/m, ""), 1],
  [
    "a rule of ours was changed",
    (saved: string) => saved.replace("--to-ports 8080", "--to-ports 8081"),
    1,
  ],
  [
    "another rule is first",
    (saved: string) => saved.replace("-A INPUT", "-A INPUT -j OTHER\n-A INPUT"),
    1,
  ],
  ["the jump is there twice", (saved: string) => saved.replace(/(^-A INPUT.*\n)/m, "$1$1"), 1],
])("differences: %s", (_name, change, count) => {
  const plan = planRules(onePort, "ipv4");
  const saved = restore(fresh, renderRestore(plan, fresh));
  expect(findDifferences(plan, saved)).toEqual([]);
  expect(findDifferences(plan, change(saved))).toHaveLength(count);
});

test("the probe leaves nothing behind", () => {
  expect(restore(restore(fresh, probeText), probeRemovalText)).toBe(fresh);
});

const tcpPort = fc.integer({ min: 1, max: 65_535 });
const anySettings: fc.Arbitrary<RedirectSettings> = fc.record({
  listeners: fc.uniqueArray(fc.record({ port: tcpPort, targetPort: tcpPort }), {
    selector: (listener) => listener.targetPort,
    maxLength: 60,
  }),
  openPorts: fc.array(
    fc.tuple(tcpPort, tcpPort).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
    { maxLength: 40 },
  ),
  unlistedPorts: fc.constantFrom("deny", "allow"),
  excludedSources: fc.array(
    fc.record({
      family: fc.constantFrom("ipv4", "ipv6"),
      block: fc.constantFrom("10.0.0.0/8", "0.0.0.0/0", "fd00::/8"),
    }),
    { maxLength: 4 },
  ),
});
const foreignRule = fc.constantFrom(
  "-A PREROUTING -p tcp -j OTHER",
  '-A INPUT -m comment --comment "x -j BOUNCER_INPUT" -j ACCEPT',
  "-A INPUT -p tcp -j BOUNCER_INPUT",
  "-A PREROUTING -p tcp -j BOUNCER_REDIRECT",
);

test("whatever was there before: in force afterwards, and again changes nothing", () => {
  fc.assert(
    fc.property(anySettings, anySettings, fc.array(foreignRule), (settings, earlier, foreign) => {
      const plan = planRules(settings, "ipv4");
      const found = addForeign(
        restore(fresh, renderRestore(planRules(earlier, "ipv4"), fresh)),
        foreign,
      );
      const once = restore(found, renderRestore(plan, found));
      expect(findDifferences(plan, once)).toEqual([]);
      expect(restore(once, renderRestore(plan, once))).toBe(once);
      expect(linesOfOthers(once)).toEqual(linesOfOthers(found));
    }),
  );
});

test("a rule names 15 ports at most, and only deny ends in a refusal of everything else", () => {
  fc.assert(
    fc.property(anySettings, (settings) => {
      const [nat, filter] = planRules(settings, "ipv6").map((table) => table.rules);
      for (const rule of filter ?? []) {
        // Of the 15, a range is two.
        const ports = /--dports (\S+)/.exec(rule)?.[1]?.split(/[,:]/) ?? [];
        expect(ports.length).toBeLessThanOrEqual(15);
      }
      const left = settings.excludedSources.filter(({ family }) => family === "ipv6");
      expect(nat).toHaveLength(settings.listeners.length + 1 + left.length);
      const refusesTheRest =
        filter?.at(-1) === "-A BOUNCER_INPUT -p tcp -j REJECT --reject-with tcp-reset";
      expect(refusesTheRest).toBe(settings.unlistedPorts === "deny");
    }),
  );
});

function linesOfOthers(saved: string): readonly string[] {
  return saved.split("\n").filter((line) => /OTHER|ACCEPT$/.test(line));
}

function addForeign(saved: string, rules: readonly string[]): string {
  const parents = { "-A PREROUTING": "*nat", "-A INPUT": "*filter" };
  return rules.reduce((text, rule) => {
    const header = Object.entries(parents).find(([parent]) => rule.startsWith(parent))?.[1] ?? "";
    const start = text.indexOf(header);
    const end = text.indexOf("COMMIT", start);
    const firstRule = text.indexOf("-A ", start);
    const at = firstRule === -1 || firstRule > end ? end : firstRule;
    return `${text.slice(0, at)}${rule}\n${text.slice(at)}`;
  }, saved);
}

/** A model of `iptables-restore --noflush` on the text of iptables-save, as far as it is used. */
function restore(saved: string, text: string): string {
  let table = "";
  const state = new Map<string, { chains: Map<string, string>; rules: string[] }>();
  const tableState = () => {
    const found = state.get(table) ?? { chains: new Map<string, string>(), rules: [] };
    state.set(table, found);
    return found;
  };
  const apply = (line: string): void => {
    const { chains, rules } = tableState();
    const [verb = "", chain = ""] = line.split(" ");
    if (line.startsWith(":")) {
      const name = verb.slice(1);
      if (chain === "-")
        rules.splice(0, rules.length, ...rules.filter((r) => !r.startsWith(`-A ${name} `)));
      chains.set(name, line);
    } else if (verb === "-A") {
      rules.push(line);
    } else if (verb === "-I") {
      const rule = line.replace(/^-I (\S+) 1 /, "-A $1 ");
      const first = rules.findIndex((r) => r.startsWith(`-A ${chain} `));
      rules.splice(first === -1 ? 0 : first, 0, rule);
    } else if (verb === "-D") {
      const at = rules.indexOf(line.replace("-D ", "-A "));
      if (at === -1) throw new Error(`no such rule: ${line}`);
      rules.splice(at, 1);
    } else if (verb === "-X") {
      chains.delete(chain);
    }
  };
  for (const line of `${saved}${text}`.split("\n")) {
    if (line.startsWith("*")) table = line;
    else if (line !== "COMMIT" && line !== "") apply(line);
  }
  return [...state]
    .map(([name, { chains, rules }]) => {
      // As iptables-save does, rules come chain by chain.
      const sorted = [...chains.keys()].flatMap((chain) =>
        rules.filter((r) => r.startsWith(`-A ${chain} `)),
      );
      return [name, ...chains.values(), ...sorted, "COMMIT", ""].join("\n");
    })
    .join("");
}
