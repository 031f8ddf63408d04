/** Which names a CA may certify (RFC 5280, 4.2.1.10): read from its certificate. Pure. */
import { BuiltinError } from "../builtin.ts";
import { contextTag, Der, tags } from "./der.ts";
import { readIa5 } from "./distinguished-name.ts";
import { isDomain, nameTags } from "./general-name.ts";
import { parseMailbox } from "./mailbox.ts";

export interface Network {
  readonly ip: Uint8Array;
  readonly mask: Uint8Array;
}

export interface Subtrees {
  readonly dns: readonly string[];
  readonly ips: readonly Network[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface Constraints {
  readonly isCritical: boolean;
  /** There are names of a kind that is not understood. */
  readonly hasUnknown: boolean;
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
}

const nothing: Subtrees = { dns: [], ips: [], emails: [], uris: [] };

export const noConstraints: Constraints = {
  isCritical: false,
  hasUnknown: false,
  permitted: nothing,
  excluded: nothing,
};

function invalid(): BuiltinError {
  return new BuiltinError("invalid name constraints");
}

export function readConstraints(value: Uint8Array, isCritical: boolean): Constraints {
  const outer = new Der(value);
  const constraints = outer.inside(tags.sequence);
  const permitted = readSubtrees(constraints.optional(contextTag(0, true)));
  const excluded = readSubtrees(constraints.optional(contextTag(1, true)));
  if (!outer.isEmpty || !constraints.isEmpty || permitted.count + excluded.count === 0) {
    throw invalid();
  }
  const hasUnknown = permitted.hasUnknown || excluded.hasUnknown;
  return { isCritical, hasUnknown, permitted: permitted.subtrees, excluded: excluded.subtrees };
}

interface Read {
  readonly subtrees: Subtrees;
  readonly count: number;
  readonly hasUnknown: boolean;
}

function readSubtrees(der: Der | null): Read {
  const dns: string[] = [];
  const ips: Network[] = [];
  const emails: string[] = [];
  const uris: string[] = [];
  let count = 0;
  let hasUnknown = false;
  const trees = der ?? new Der(new Uint8Array());
  while (!trees.isEmpty) {
    count += 1;
    const { tag, content } = trees.inside(tags.sequence).any();
    if (tag === nameTags.dns) dns.push(readDomain(content));
    else if (tag === nameTags.ip) ips.push(readNetwork(content));
    else if (tag === nameTags.email) emails.push(readEmail(content));
    else if (tag === nameTags.uri) uris.push(readUriDomain(content));
    else hasUnknown = true;
  }
  return { subtrees: { dns, ips, emails, uris }, count, hasUnknown };
}

function readDomain(content: Uint8Array): string {
  const domain = readIa5(content);
  if (!isDomain(domain, true)) throw invalid();
  return domain;
}

/** With an `@`, one mailbox; else all of a host or, after a dot, of a domain. */
function readEmail(content: Uint8Array): string {
  const email = readIa5(content);
  const isValid = email.includes("@") ? parseMailbox(email) !== null : isDomain(email, true);
  if (!isValid) throw invalid();
  return email;
}

function readUriDomain(content: Uint8Array): string {
  const domain = readDomain(content);
  if (isAddress(domain)) throw invalid();
  return domain;
}

/** As far as it can be a domain, too. */
export function isAddress(text: string): boolean {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (octets !== undefined) {
    return octets.every((octet) => Number(octet) < 256 && String(Number(octet)) === octet);
  }
  return /^[\da-f:.]+$/i.test(text) && text.split(":").length > 2;
}

function readNetwork(content: Uint8Array): Network {
  const size = content.length / 2;
  if (size !== 4 && size !== 16) throw invalid();
  const mask = content.subarray(size);
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  if (bits.includes("01")) throw invalid();
  return { ip: content.subarray(0, size), mask };
}
