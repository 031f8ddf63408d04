/**
 * Where policies may connect to. Asked about the address that is really connected to, so that it
 * does not matter what a name meant when somebody looked before.
 */
import { BlockList, isIP } from "node:net";
import type { ReachRule } from "../../config/reach.ts";
import type { Cidr } from "../../config/value.ts";

export interface Place {
  /** As the URL has it: a name or an address. */
  readonly host: string;
  readonly port: number;
}

export interface Guard {
  permits(place: Place, address: string): boolean;
  permitsSocket(path: string): boolean;
}

export interface GuardRules {
  /** null: everything that is not denied. */
  readonly allow: readonly ReachRule[] | null;
  readonly deny: readonly Cidr[];
}

export function createGuard({ allow, deny }: GuardRules): Guard {
  const isDenied = createMatcher(deny);
  const permissions = allow?.map(toPermission) ?? null;
  return {
    permits(place, address) {
      const forms = formsOf(address);
      if (forms.length === 0 || forms.some(isDenied)) return false;
      return permissions === null || permissions.some((permits) => permits(place, address));
    },
    // Not on the network at all, so never part of "everything".
    permitsSocket: (path) =>
      allow?.some((rule) => rule.kind === "socket" && rule.path === path) ?? false,
  };
}

type Permission = (place: Place, address: string) => boolean;

function toPermission(rule: ReachRule): Permission {
  if (rule.kind === "socket") return () => false;
  const isPort = (port: number): boolean => rule.port === null || rule.port === port;
  if (rule.kind === "block") {
    const isInside = createMatcher([rule.cidr]);
    return ({ port }, address) => isPort(port) && isInside(withoutZone(address));
  }
  const { name } = rule;
  const isName = (host: string): boolean =>
    rule.kind === "domain" ? host.endsWith(`.${name}`) : host === name;
  return ({ host, port }) => isPort(port) && isName(host.toLowerCase().replace(/\.$/, ""));
}

function createMatcher(cidrs: readonly Cidr[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { address, prefix, family } of cidrs) list.addSubnet(address, prefix, family);
  // An IPv4 address within IPv6, `::ffff:1.2.3.4`, is checked as IPv4, too.
  return (address) => list.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}

/** The address and the IPv4 addresses that it stands for on networks that translate. */
function formsOf(address: string): readonly string[] {
  const plain = withoutZone(address);
  switch (isIP(plain)) {
    case 4:
      return [plain];
    case 6:
      return [plain, ...embeddedIn(toGroups(plain))];
    default:
      return [];
  }
}

/** Where an IPv4 address is in the 32 digits of an IPv6 address, by how these begin. */
const embeddings = [
  { begin: /^0{20}ffff/, at: 24, mask: 0 }, // mapped
  { begin: /^0{24}(?!0000)/, at: 24, mask: 0 }, // compatible
  { begin: /^0064ff9b/, at: 24, mask: 0 }, // NAT64
  { begin: /^2002/, at: 4, mask: 0 }, // 6to4
  { begin: /^20010000/, at: 24, mask: 0xff }, // Teredo
] as const;

function embeddedIn(groups: readonly number[]): readonly string[] {
  const digits = groups.map((group) => group.toString(16).padStart(4, "0")).join("");
  return embeddings
    .filter(({ begin }) => begin.test(digits))
    .map(({ at, mask }) =>
      [0, 2, 4, 6]
        .map((offset) => Number.parseInt(digits.slice(at + offset, at + offset + 2), 16) ^ mask)
        .join("."),
    );
}

/** The eight numbers of an IPv6 address. */
function toGroups(address: string): readonly number[] {
  // As a host of a URL it has one form, without dots.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [left = "", right] = canonical.split("::", 2);
  const [before, after] = [readGroups(left), readGroups(right ?? "")];
  const gap = right === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: gap }, () => 0), ...after];
}

function readGroups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}
