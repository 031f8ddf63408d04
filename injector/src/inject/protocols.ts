/**
 * What is spoken to the application's ports, and by clients to the bouncer, as annotations say.
 * Pure.
 */
import type { PortItem, PortProtocol, ProtocolItem } from "../annotations/port-list.ts";
import { table } from "../annotations/table.ts";
import { formatPortRange } from "../settings/value.ts";
import type { Container, StringMap } from "./kubernetes.ts";
import { toRanges } from "./port-items.ts";

/** An app port, and what the bouncer speaks to it whatever its clients speak. */
export interface SpokenPort {
  readonly port: number;
  readonly protocol: "http1" | "h2c";
}

export interface ChosenProtocols {
  readonly appProtocols: readonly ProtocolItem[];
  readonly tlsSecret: string | null;
  /** null: all. */
  readonly tlsPorts: readonly PortItem[] | null;
}

export interface ProtocolPlan {
  readonly protocols: ReadonlyMap<number, PortProtocol>;
  /** App ports whose clients speak TLS. */
  readonly tls: readonly number[];
}

interface Around {
  readonly containers: readonly Container[];
  /** App ports that are not opaque. */
  readonly ports: readonly number[];
  readonly hasAppPorts: boolean;
  /** Annotations of the pod. */
  readonly own: StringMap;
}

export interface PlannedProtocols {
  readonly spoken: ProtocolPlan;
  readonly problems: readonly string[];
}

export function planProtocols(chosen: ChosenProtocols, around: Around): PlannedProtocols {
  const { protocols, problems } = planSpoken(chosen.appProtocols, around);
  const encrypted = planTls(chosen, around);
  return {
    spoken: { protocols, tls: encrypted.tls },
    problems: [...problems, ...encrypted.problems],
  };
}

function planSpoken(items: readonly ProtocolItem[], around: Around) {
  const { name } = table.appProtocols;
  const protocols = new Map<number, PortProtocol>();
  const problems = findStray(
    name,
    items.map(({ port }) => port),
    around,
  );
  for (const { port: item, protocol } of items) {
    for (const port of portsOf(item, around)) {
      const before = protocols.get(port) ?? protocol;
      if (before !== protocol) {
        problems.push(`annotation ${name}: port ${port} is both ${before} and ${protocol}`);
      }
      protocols.set(port, protocol);
    }
  }
  return { protocols, problems };
}

function planTls({ tlsSecret, tlsPorts }: ChosenProtocols, around: Around) {
  if (tlsSecret === null) return { tls: [], problems: [] };
  const named = new Set((tlsPorts ?? []).flatMap((item) => portsOf(item, around)));
  const tls = tlsPorts === null ? around.ports : around.ports.filter((port) => named.has(port));
  const stray = findStray(table.tlsPorts.name, tlsPorts ?? [], around);
  return { tls, problems: stray.length > 0 ? stray : findIdle(tls, around) };
}

function portsOf(item: PortItem, { containers, ports }: Around): number[] {
  const ranges = toRanges(containers, item);
  return ports.filter((port) => ranges.some(({ first, last }) => first <= port && port <= last));
}

/** Of the pod's own annotation: what its namespace names is for those of its pods that have it. */
function findStray(name: string, items: readonly PortItem[], around: Around): string[] {
  if (around.own[name] === undefined) return [];
  const stray = items.filter((item) => {
    // A name may be that of one port in each of several containers.
    const width = item.kind === "name" ? 1 : item.last - item.first + 1;
    return portsOf(item, around).length < width;
  });
  if (stray.length === 0) return [];
  const texts = stray.map((item) => (item.kind === "name" ? item.name : formatPortRange(item)));
  return [
    `annotation ${name}: ${texts.join(", ")} is not among the app ports, or is an opaque one`,
  ];
}

/** A certificate that no port shows is a mistake, where there are ports. */
function findIdle(tls: readonly number[], { hasAppPorts, own }: Around): string[] {
  const { name } = table.tlsSecret;
  if (tls.length > 0 || !hasAppPorts || own[name] === undefined) return [];
  return [`annotation ${name}: there is no app port whose clients are to speak TLS`];
}

/** The ports of which it is known: what annotations say goes before what Services say. */
export function listSpoken(
  { protocols }: ProtocolPlan,
  said: readonly SpokenPort[],
): readonly SpokenPort[] {
  const chosen = [...protocols].flatMap(([port, protocol]) =>
    protocol === "auto" ? [] : [{ port, protocol }],
  );
  return [...chosen, ...said.filter(({ port }) => !protocols.has(port))];
}

/** As the bouncer reads it, and the status annotation has it. */
export function formatSpoken(ports: readonly SpokenPort[]): string {
  return ports.map(({ port, protocol }) => `${port}:${protocol}`).join(",");
}

/** Whatever is of another form was not written by us, and says nothing. */
export function parseSpoken(text: string): SpokenPort[] {
  return text.split(",").flatMap((item) => {
    const [, port, protocol] = /^(\d{1,5}):(http1|h2c)$/.exec(item) ?? [];
    return protocol === "http1" || protocol === "h2c" ? [{ port: Number(port), protocol }] : [];
  });
}
