/** Names of hosts, mailboxes, addresses and URIs in certificates (RFC 5280, 4.2.1.6). Pure. */
import { BuiltinError } from "../builtin.ts";
import { contextTag, Der, tags } from "./der.ts";
import { readIa5 } from "./distinguished-name.ts";
import { type GoUrl, parseUrl } from "./go-url.ts";

export const nameTags = {
  email: contextTag(1, false),
  dns: contextTag(2, false),
  uri: contextTag(6, false),
  ip: contextTag(7, false),
} as const;

export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly Uint8Array[];
  readonly uris: readonly GoUrl[];
}

export function readAlternativeNames(der: Uint8Array): AlternativeNames {
  const dns: string[] = [];
  const emails: string[] = [];
  const ips: Uint8Array[] = [];
  const uris: GoUrl[] = [];
  const names = new Der(der).inside(tags.sequence);
  while (!names.isEmpty) {
    const { tag, content } = names.any();
    if (tag === nameTags.email) emails.push(readIa5(content));
    else if (tag === nameTags.dns) dns.push(readIa5(content));
    else if (tag === nameTags.uri) uris.push(readUri(content));
    else if (tag === nameTags.ip) ips.push(readIp(content));
  }
  return { dns, emails, ips, uris };
}

function readUri(content: Uint8Array): GoUrl {
  const uri = parseUrl(readIa5(content));
  if (uri.host !== "" && !isDomain(uri.host, false)) throw new BuiltinError("not a host");
  return uri;
}

function readIp(content: Uint8Array): Uint8Array {
  if (content.length !== 4 && content.length !== 16) throw new BuiltinError("not an address");
  return content;
}

/** Labels of visible characters; a constraint may begin with a dot, and either may be empty. */
export function isDomain(name: string, isConstraint: boolean): boolean {
  if (name === "") return true;
  const labels = (isConstraint ? name.replace(/^\./, "") : name).split(".");
  return labels.every((label) => /^[!-~]+$/.test(label));
}

/** As Go prints net.IP: the longest run of zeros shortened, IPv4 inside IPv6 as IPv4. */
export function printIp(bytes: Uint8Array): string {
  const isMapped =
    bytes.length === 16 && bytes.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 0xff));
  if (bytes.length === 4 || isMapped) return [...bytes.subarray(-4)].join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const [start, length] = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

function longestZeros(groups: readonly string[]): readonly [start: number, length: number] {
  let [start, length] = [0, 0];
  let run = 0;
  for (const [at, group] of groups.entries()) {
    run = group === "0" ? run + 1 : 0;
    if (run > length) [start, length] = [at - run + 1, run];
  }
  return [start, length];
}
