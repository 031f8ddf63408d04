import { expect, test } from "vitest";
import type { ProgramResult } from "./backend.ts";
import { runRedirect } from "./redirect.ts";
import { planRules } from "./rules.ts";
import { parseRedirectSettings } from "./settings.ts";

const env = {
  REDIRECT_LISTENERS: "8080:3000",
  REDIRECT_OPEN_PORTS: "9090,8000-8010",
  REDIRECT_EXCLUDED_SOURCES: "10.0.0.0/8,fd00::5",
};
const address = "fe800000000000000042acfffe110002 02 40 20 80 eth0\n";
const loopback = "00000000000000000000000000000001 01 80 10 80 lo\n";
const allCapabilities = "Name:\tnode\nCapEff:\t000001ffffffffff\n";
const onlyNetAdmin = "CapEff:\t0000000000001000\n";

const done: ProgramResult = { kind: "ended", code: 0, stdout: "", stderr: "" };
const missing: ProgramResult = { kind: "missing" };
function failing(stderr: string): ProgramResult {
  return { kind: "ended", code: 4, stdout: "", stderr };
}

/** What iptables-save says when the rules are in force. */
function savedRules(program: string): string {
  const parsed = parseRedirectSettings(env);
  if (parsed.kind === "invalid") throw new Error("settings of the test");
  return planRules(parsed.config, program.startsWith("ip6") ? "ipv6" : "ipv4")
    .map(({ table, parent, chain, rules }) =>
      [`*${table}`, `-A ${parent} -p tcp -j ${chain}`, ...rules, "COMMIT", ""].join("\n"),
    )
    .join("");
}

interface Machine {
  readonly answer?: (program: string, input: string) => ProgramResult | undefined;
  readonly inet6?: string | null;
  readonly status?: string | null;
}

async function run(machine: Machine, environment: Record<string, string> = env) {
  const calls: string[] = [];
  const lines: Record<string, unknown>[] = [];
  let terminationMessage = "";
  const log = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ level, message, ...fields });
  const code = await runRedirect(environment, {
    run: async (program, _args, input) => {
      calls.push(program);
      const answer = machine.answer?.(program, input);
      if (answer !== undefined) return answer;
      return program.endsWith("-save") ? { ...done, stdout: savedRules(program) } : done;
    },
    readText: async (path) =>
      path === "/proc/self/status"
        ? (machine.status ?? allCapabilities)
        : machine.inet6 === undefined
          ? address
          : machine.inet6,
    log: { info: log("info"), warn: log("warn"), error: log("error") },
    writeTerminationMessage: async (text) => {
      terminationMessage = text;
    },
  });
  return { code, calls, lines, terminationMessage, last: lines.at(-1) };
}

const legacyOnly: Machine = {
  answer: (program) => (program.includes("-nft-") ? failing("no nf_tables") : undefined),
};

const withoutIp6tables: Machine = {
  answer: (program) => (program.startsWith("ip6") ? missing : undefined),
};

test("both families by nf_tables, when that works", async () => {
  const { code, last, calls, terminationMessage } = await run({});
  expect(code).toBe(0);
  expect(last).toMatchObject({
    level: "info",
    message: "redirect in force",
    openPorts: ["9090", "8000-8010"],
    excludedSources: ["10.0.0.0/8", "fd00::5/128"],
    backends: { ipv4: "nft", ipv6: "nft" },
  });
  expect(calls.some((program) => program.includes("legacy"))).toBe(false);
  expect(terminationMessage).toBe("");
});

test("legacy, when nf_tables is there and does not work", async () => {
  const { code, last } = await run(legacyOnly);
  expect(code).toBe(0);
  expect(last).toMatchObject({ backends: { ipv4: "legacy", ipv6: "legacy" } });
});

test.each([
  [
    "a kernel without IPv6",
    null,
    "info",
    "no IPv6 in the kernel, nothing to redirect in that family",
  ],
  [
    "no address but that of lo",
    loopback,
    "warn",
    "no IPv6 address in the pod, family left as it is",
  ],
  ["no address at all", "", "warn", "no IPv6 address in the pod, family left as it is"],
])("IPv6 is left out with a word: %s", async (_name, inet6, level, message) => {
  const { code, lines, last } = await run({ inet6, ...withoutIp6tables });
  expect(code).toBe(0);
  expect(lines).toContainEqual(expect.objectContaining({ level, message }));
  expect(last).toMatchObject({ backends: { ipv4: "nft" } });
});

test.each([
  [
    "IPv6 addresses and no ip6tables",
    withoutIp6tables,
    "redirect_no_iptables",
    /IPv6 .*neither "ip6tables-nft-restore" nor "ip6tables-legacy-restore" is installed/,
  ],
  ["no iptables", { answer: () => missing }, "redirect_no_iptables", /IPv4 .*is installed/],
  [
    "no NET_ADMIN",
    { answer: () => failing("Permission denied (you must be root)"), status: "CapEff:\t0\n" },
    "redirect_not_permitted",
    /lacks the capability NET_ADMIN \(iptables-nft-restore: exit code 4, Permission denied/,
  ],
  [
    "kernel without support",
    { answer: () => failing("line 3:\n  missing kernel module?"), status: onlyNetAdmin },
    "redirect_unsupported",
    /line 3: missing kernel module\?.*would need the capability NET_RAW too/,
  ],
  [
    "a program that hangs",
    { answer: () => ({ ...failing(""), code: null }) },
    "redirect_unsupported",
    /did not end in time/,
  ],
  [
    "rules refused",
    {
      answer: (p: string, input: string) =>
        p.endsWith("restore") && input.includes("-I INPUT 1")
          ? failing("line 9 failed")
          : undefined,
    },
    "redirect_failed",
    /iptables-nft-restore: exit code 4, line 9 failed/,
  ],
  [
    "rules cannot be read",
    { answer: (p: string) => (p.endsWith("save") ? failing("incompatible") : undefined) },
    "redirect_failed",
    /iptables-nft-save: exit code 4, incompatible/,
  ],
  [
    "rules not in force",
    {
      answer: (p: string) =>
        p.endsWith("save") ? { ...done, stdout: "*nat\nCOMMIT\n" } : undefined,
    },
    "redirect_not_in_force",
    /the first rule of INPUT is ""/,
  ],
  [
    "state of capabilities unknown",
    { answer: () => failing("no"), status: null },
    "redirect_unsupported",
    /IPv4/,
  ],
] satisfies [string, Machine, string, RegExp][])(
  "fails: %s",
  async (_name, machine, code, message) => {
    const result = await run(machine);
    expect(result.code).toBe(1);
    expect(result.last).toMatchObject({ level: "error", code });
    expect(result.terminationMessage).toMatch(message);
  },
);

test("nothing is applied in one family when the other cannot be", async () => {
  const applied: string[] = [];
  await run({
    answer: (program, input) => {
      if (input.includes("-I PREROUTING 1")) applied.push(program);
      return program.startsWith("ip6") ? failing("broken") : undefined;
    },
  });
  expect(applied).toEqual([]);
});

test("a bad configuration runs nothing and names every problem", async () => {
  const { code, calls, lines, terminationMessage } = await run(
    {},
    { REDIRECT_UNLISTED_PORTS: "x", REDIRECT_EXCLUDED_SOURCES: "10.0.0.0/33" },
  );
  expect(code).toBe(2);
  expect(calls).toEqual([]);
  expect(lines).toHaveLength(3);
  expect(terminationMessage.split("\n")).toHaveLength(3);
});
