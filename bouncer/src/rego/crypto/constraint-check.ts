/** Whether the names in a chain of certificates keep to what the CAs above may certify. Pure. */
import { fromByteString } from "../text/utf8.ts";
import { isIpv6 } from "../text/ipv6.ts";
import type { Certificate } from "./certificate.ts";
import { isDomain } from "./general-name.ts";
import type { GoUrl } from "./go-url.ts";
import { type Mailbox, parseMailbox } from "./mailbox.ts";
import { isAddress, type Network, type Subtrees } from "./name-constraints.ts";

interface Names {
  readonly dns: readonly string[];
  readonly ips: readonly Uint8Array[];
  readonly emails: readonly Mailbox[];
  readonly hosts: readonly string[];
}

/** `chain` goes from the leaf to the root. */
export function keepsConstraints(chain: readonly Certificate[], checkTime: () => void): boolean {
  return chain.every((certificate, at) => {
    const above = chain.slice(at + 1).filter((ca) => hasExtension(ca, "2.5.29.30"));
    if (above.length === 0 || !hasExtension(certificate, "2.5.29.17")) return true;
    const names = readNames(certificate);
    return names !== null && above.every((ca) => isCertified(ca, names, checkTime));
  });
}

function hasExtension({ extensions }: Certificate, id: string): boolean {
  return extensions.some(({ Id }) => Id.join(".") === id);
}

/** null when one of them cannot be compared with constraints. */
function readNames({ says }: Certificate): Names | null {
  const hosts = says.URIs.map(readHost);
  const emails = says.EmailAddresses.map(parseMailbox);
  const names = {
    dns: says.DNSNames,
    ips: says.IPAddresses,
    emails: emails.flatMap((email) => (email === null ? [] : [toLowerDomain(email)])),
    hosts: hosts.flatMap((host) => (host === null ? [] : [host])),
  };
  const areValid = [
    ...names.dns,
    ...names.hosts,
    ...names.emails.map(({ domain }) => domain),
  ].every((name) => isDomain(name, false));
  return areValid && !hosts.includes(null) && !emails.includes(null) ? names : null;
}

function toLowerDomain({ local, domain }: Mailbox): Mailbox {
  return { local, domain: domain.toLowerCase() };
}

function readHost(uri: GoUrl): string | null {
  const host = fromByteString(uri.host);
  const found = /^([^:[\]]+)(?::[^:[\]]*)?$/.exec(host);
  const name = found?.[1];
  if (name === undefined || isAddress(name) || isIpv6(name)) return null;
  return name.toLowerCase();
}

function isCertified(ca: Certificate, names: Names, checkTime: () => void): boolean {
  const { permitted, excluded } = ca.says.Constraints;
  checkTime();
  const check = <N, C>(
    values: readonly N[],
    take: (trees: Subtrees) => readonly C[],
    match: (constraint: C, name: N, isExcluded: boolean) => boolean,
  ): boolean => {
    const [allowed, forbidden] = [take(permitted), take(excluded)];
    return values.every((name) => {
      checkTime();
      const isAllowed = allowed.length === 0 || allowed.some((one) => match(one, name, false));
      return isAllowed && !forbidden.some((one) => match(one, name, true));
    });
  };
  return (
    check(names.ips, ({ ips }) => ips, contains) &&
    check(names.dns, ({ dns }) => dns, matchDomain) &&
    check(names.hosts, ({ uris }) => uris, matchDomain) &&
    check(names.emails, ({ emails }) => emails, matchEmail)
  );
}

function contains({ ip, mask }: Network, address: Uint8Array): boolean {
  return (
    ip.length === address.length &&
    mask.every((bits, at) => ((ip[at] ?? 0) & bits) === ((address[at] ?? 0) & bits))
  );
}

/** `example` is for all below it, too; `.example` only for those. */
function matchDomain(constraint: string, name: string, isExcluded: boolean): boolean {
  const [wanted, found] = [constraint.toLowerCase(), name.toLowerCase()];
  if (wanted === "" || found === wanted) return true;
  if (found.endsWith(wanted.startsWith(".") ? wanted : `.${wanted}`)) return true;
  // A wildcard could be for the name that is excluded.
  const parent = afterFirstLabel(wanted);
  return isExcluded && found.startsWith("*") && parent !== "" && parent === afterFirstLabel(found);
}

function afterFirstLabel(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot);
}

function matchEmail(constraint: string, name: Mailbox, isExcluded: boolean): boolean {
  if (!constraint.includes("@")) return matchDomain(constraint, name.domain, isExcluded);
  const wanted = parseMailbox(constraint);
  return wanted?.local === name.local && wanted.domain.toLowerCase() === name.domain;
}
