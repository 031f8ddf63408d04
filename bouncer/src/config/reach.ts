/** `POLICY_HTTP_ALLOW` and `POLICY_HTTP_DENY`: where policies may connect to. Pure. */
import * as v from "valibot";
import { type Cidr, cidr, cidrs, listOf } from "./value.ts";

/** A place that is permitted; without a port, each port of it. */
export type ReachRule =
  /** A name, or with `domain` any name below it. */
  | {
      readonly kind: "host" | "domain";
      readonly name: string;
      readonly port: number | null;
    }
  | { readonly kind: "block"; readonly cidr: Cidr; readonly port: number | null }
  | { readonly kind: "socket"; readonly path: string };

/**
 * What is nobody's server: loopback, the links of the node, which is where clouds put their
 * metadata and credentials, and the addresses that they have for these elsewhere.
 */
export const deniedByDefault = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200", // Alibaba Cloud
  "168.63.129.16", // Azure
  "192.0.0.192", // Oracle Cloud
  "224.0.0.0/4",
  "255.255.255.255",
  "::",
  "::1",
  "fe80::/10",
  "ff00::/8",
  "fd00:ec2::/32", // Amazon
  "fd20:ce::254", // Google Cloud
  "fd00:42::42", // Scaleway
] as const;

export const reach = listOf(parseReach);

/** `none` is an empty list: an empty variable would mean that it is not set. */
export const deniedBlocks = v.union([
  v.pipe(
    v.literal("none"),
    v.transform((): Cidr[] => []),
  ),
  cidrs,
]);

/** null when the text is no place. */
export function parseReach(text: string): ReachRule | null {
  if (/^unix:\/[^\0]*$/.test(text)) return { kind: "socket", path: text.slice(5) };
  const { place, port } = splitPort(text);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  const block = v.safeParse(cidr, place);
  if (block.success) return { kind: "block", cidr: block.output, port };
  const [, star, name = ""] = /^(\*\.)?([\w-]+(?:\.[\w-]+)*)$/.exec(place.toLowerCase()) ?? [];
  // An address that is not written out is a mistake, not a name.
  if (name === "" || name.length > 253 || /(?:^|\.)\d+$/.test(name)) return null;
  return { kind: star === undefined ? "host" : "domain", name, port };
}

function splitPort(text: string): { readonly place: string; readonly port: number | null } {
  const [, bracketed, plain, port] =
    /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  // What is left has several colons: an IPv6 address without a port, or nonsense.
  const place = bracketed ?? plain ?? text;
  return { place, port: port === undefined ? null : Number(port) };
}
