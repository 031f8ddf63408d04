/**
 * Names to addresses, as Go's resolver answers. The system's resolver does it, which knows the
 * cluster's search domains; each question holds a thread of Node's few until it is answered, so
 * that only some may be asked at a time.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { createGate, type Gate } from "./gate.ts";

/** Addresses of a name; rejects when there are none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** More than these are no answer: nobody has them, and part of them could decide wrongly. */
const maxAddresses = 256;

/** Node has four threads for all: files must not wait for name servers. */
const maxQuestions = 2;

export async function systemLookup(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}

export interface Resolver {
  /** Each address once, in one form; rejects for what is no name, or has no address in time. */
  resolve(host: string, signal: AbortSignal): Promise<readonly string[]>;
}

export class NoSuchHost extends Error {
  override readonly name = "NoSuchHost";
}

export function createResolver(ask: Lookup, gate: Gate = createGate(maxQuestions)): Resolver {
  return {
    async resolve(host, signal) {
      if (isIP(host) !== 0) return [toOneForm(host)];
      checkHost(host);
      const addresses = await gate.run(() => ask(host), signal);
      const all = new Set(addresses.filter((one) => isIP(one) !== 0).map(toOneForm));
      if (all.size === 0) throw new NoSuchHost(`lookup ${host}: no such host`);
      if (all.size > maxAddresses) throw new NoSuchHost(`lookup ${host}: too many addresses`);
      return [...all];
    },
  };
}

/** Throws for what is neither an address nor a name that could have one. */
export function checkHost(host: string): void {
  if (isIP(host) === 0 && !isDomainName(host)) {
    throw new NoSuchHost(`lookup ${host}: no such host`);
  }
}

/** RFC 5952, and IPv4 within IPv6 as IPv4. */
function toOneForm(address: string): string {
  if (isIP(address) === 4) return address;
  const [plain = "", zone] = address.split("%", 2);
  const canonical = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) {
    return zone === undefined ? canonical : `${canonical}%${zone}`;
  }
  const bytes = [high, low].map((group) => Number.parseInt(group, 16));
  return bytes.flatMap((group) => [group >> 8, group & 0xff]).join(".");
}

/**
 * Names that are asked for. Not those that end in a number: the system's resolver takes `127.1` and
 * `0x7f.1` for addresses, and Go does not.
 */
function isDomainName(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  const last = labels.at(-1) ?? "";
  if (name.length > 254 || /^(?:\d+|0x[\da-f]*)$/i.test(last)) return false;
  return labels.every((label) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(label));
}
