/** Lists of ports in annotations: numbers, ranges and names of declared ports. Pure. */
import { parsePortRange, type PortRange } from "../settings/value.ts";

/** An item of a list of ports: a range, or the name of a declared port. */
export type PortItem =
  | ({ readonly kind: "range" } & PortRange)
  | { readonly kind: "name"; readonly name: string };

/** What is spoken to a port of the application; `auto`: what the client speaks. */
export const portProtocols = ["http1", "h2c", "auto"] as const;
export type PortProtocol = (typeof portProtocols)[number];

export interface ProtocolItem {
  readonly port: PortItem;
  readonly protocol: PortProtocol;
}

function parsePortItem(text: string): PortItem | undefined {
  const range = parsePortRange(text);
  if (range !== undefined) return { kind: "range", ...range };
  return /^(?=.*[a-z])[a-z0-9-]{1,15}$/.test(text) ? { kind: "name", name: text } : undefined;
}

function parseProtocolItem(text: string): ProtocolItem | undefined {
  const [given = "", chosen = "", ...more] = text.split("=").map((part) => part.trim());
  const port = parsePortItem(given);
  const protocol = portProtocols.find((one) => one === chosen);
  if (port === undefined || protocol === undefined || more.length > 0) return undefined;
  return { port, protocol };
}

/** A comma-separated list, blanks around its items ignored; one bad item, and none is accepted. */
export const listOf =
  <Item>(parse: (text: string) => Item | undefined) =>
  (text: string): readonly Item[] | undefined => {
    const items = text.split(",").map((item) => parse(item.trim()));
    const valid = items.filter((item) => item !== undefined);
    return valid.length === items.length ? valid : undefined;
  };

export const ports = {
  accepted: `a comma-separated list of ports, ranges and names of declared ports, such as "3000,8000-8010,http"`,
  parse: listOf(parsePortItem),
};

export const protocols = {
  accepted: `a comma-separated list of port=protocol, each port a number, a range or the name of a declared port, each protocol one of ${portProtocols.join(", ")}, such as "9000=h2c,http=http1"`,
  parse: listOf(parseProtocolItem),
};
