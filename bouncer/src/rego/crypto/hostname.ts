/** Whether a certificate is for a host (RFC 6125), as Go's Certificate.VerifyHostname decides. Pure. */
import { isIpv6 } from "../text/ipv6.ts";
import type { Certificate } from "./certificate.ts";
import { printIp } from "./general-name.ts";
import { isAddress } from "./name-constraints.ts";

export function isForHost({ says }: Certificate, host: string): boolean {
  const address = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  if (isAddress(address) || (isIpv6(address) && !address.includes("%"))) {
    const wanted = toBytes(address);
    return says.IPAddresses.some((candidate) => printIp(candidate) === printIp(wanted));
  }
  const name = toLower(host);
  const labels = name.replace(/\.$/, "").split(".");
  const isName = isHostname(name.replace(/\.$/, ""), false);
  return says.DNSNames.some((pattern) =>
    isName && isHostname(pattern, true)
      ? matchLabels(toLower(pattern).split("."), labels)
      : matchExactly(toLower(pattern), name),
  );
}

/** Only ASCII: names of hosts have no other letters. */
function toLower(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function isHostname(name: string, isPattern: boolean): boolean {
  if (name === "*") return false;
  return name
    .split(".")
    .every((label, at) => (isPattern && at === 0 && label === "*") || /^\w[\w-]*$/.test(label));
}

function matchLabels(pattern: readonly string[], labels: readonly string[]): boolean {
  return (
    pattern.length === labels.length &&
    pattern.every((part, at) => (at === 0 && part === "*") || part === labels[at])
  );
}

function matchExactly(pattern: string, name: string): boolean {
  return pattern !== "" && pattern !== "." && pattern === name;
}

function toBytes(address: string): Uint8Array {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted === null) return expand(address);
  const octets = dotted.slice(1).map(Number);
  if (dotted.index === 0) return Uint8Array.from(octets);
  const groups = [0, 2].map((at) => ((octets[at] ?? 0) * 256 + (octets[at + 1] ?? 0)).toString(16));
  return expand(address.slice(0, dotted.index) + groups.join(":"));
}

function expand(address: string): Uint8Array {
  const [head = "", tail = ""] = address.split("::");
  const [before, after] = [head, tail].map((half) => (half === "" ? [] : half.split(":")));
  const groups = [before ?? [], after ?? []] as const;
  const zeros = Math.max(0, 8 - groups[0].length - groups[1].length);
  const all = [...groups[0], ...Array.from({ length: zeros }, () => "0"), ...groups[1]];
  return Uint8Array.from(
    all.flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}
