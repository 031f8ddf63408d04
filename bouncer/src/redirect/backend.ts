/**
 * Which iptables works here, found by doing: an installed program says nothing about what the
 * kernel supports. nf_tables first, since the legacy programs need NET_RAW as well.
 */
import type { FailureCode } from "../errors.ts";
import { probeRemovalText, probeText } from "./rules.ts";

export type Family = "ipv4" | "ipv6";
export type Backend = "nft" | "legacy";

export type ProgramResult =
  | {
      readonly kind: "ended";
      /** Null when it was ended by a signal. */
      readonly code: number | null;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly kind: "missing" };

/** Never rejects. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  input: string,
) => Promise<ProgramResult>;

export interface RedirectFailure {
  readonly kind: "failure";
  readonly code: FailureCode;
  readonly message: string;
}

/** Null when its file cannot be read. */
export interface Capabilities {
  readonly netAdmin: boolean;
  readonly netRaw: boolean;
}

export const familyName: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };

const backends: readonly Backend[] = ["nft", "legacy"];

export function programName(family: Family, backend: Backend, verb: "restore" | "save"): string {
  return `${family === "ipv4" ? "iptables" : "ip6tables"}-${backend}-${verb}`;
}

interface Attempt {
  readonly program: string;
  readonly result: ProgramResult;
}

export async function findBackend(
  family: Family,
  run: RunProgram,
  capabilities: Capabilities | null,
): Promise<{ readonly kind: "found"; readonly backend: Backend } | RedirectFailure> {
  const attempts: Attempt[] = [];
  for (const backend of backends) {
    const program = programName(family, backend, "restore");
    const result = await run(program, ["--noflush"], probeText);
    if (result.kind === "ended") await run(program, ["--noflush"], probeRemovalText);
    if (result.kind === "ended" && result.code === 0) return { kind: "found", backend };
    attempts.push({ program, result });
  }
  return explain(family, attempts, capabilities);
}

function explain(
  family: Family,
  attempts: readonly Attempt[],
  capabilities: Capabilities | null,
): RedirectFailure {
  const cannot = `Cannot redirect ${familyName[family]} connections`;
  if (attempts.every(({ result }) => result.kind === "missing")) {
    const programs = attempts.map(({ program }) => `"${program}"`).join(" nor ");
    return fail("redirect_no_iptables", `${cannot}: neither ${programs} is installed`);
  }
  const details = attempts.map(({ program, result }) => `${program}: ${describeResult(result)}`);
  if (capabilities?.netAdmin === false) {
    return fail(
      "redirect_not_permitted",
      `${cannot}: the container lacks the capability NET_ADMIN (${details.join("; ")})`,
    );
  }
  const hint =
    capabilities?.netRaw === false
      ? "; the legacy programs would need the capability NET_RAW too"
      : "";
  return fail(
    "redirect_unsupported",
    `${cannot}: the kernel of the node lacks support for nat, conntrack, multiport or reject (${details.join("; ")}${hint})`,
  );
}

export function fail(code: FailureCode, message: string): RedirectFailure {
  return { kind: "failure", code, message };
}

const maxDetailLength = 400;

/** One line of what a program said, for a message. */
export function describeResult(result: ProgramResult): string {
  if (result.kind === "missing") return "not installed";
  const said = result.stderr.replaceAll(/\s+/g, " ").trim().slice(0, maxDetailLength);
  const ended = result.code === null ? "did not end in time" : `exit code ${result.code}`;
  return said === "" ? ended : `${ended}, ${said}`;
}

/** From `/proc/self/status`; bits are those of capability.h. */
export function parseCapabilities(status: string | null): Capabilities | null {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1];
  if (effective === undefined) return null;
  const bits = BigInt(`0x${effective}`);
  const has = (bit: bigint): boolean => ((bits >> bit) & 1n) === 1n;
  return { netAdmin: has(12n), netRaw: has(13n) };
}
