/**
 * What the Services in front of a pod say that its ports speak (`appProtocol`). They are looked at
 * when the pod is created; what they do not say, or cannot be asked, clients tell by what they
 * speak themselves. Pure.
 */
import { warn } from "../admission/reasons.ts";
import { listenerPortName } from "./containers.ts";
import { runningContainers } from "./handlers.ts";
import type { ServiceFacts, Warning } from "./injection.ts";
import type { Pod } from "./kubernetes.ts";
import { findTcpPorts } from "./port-items.ts";
import type { PortPlan } from "./ports.ts";
import type { SpokenPort } from "./protocols.ts";
import { selects } from "./services.ts";

/** As Kubernetes (KEP-3726) and the meshes write it. */
const spoken: Readonly<Record<string, SpokenPort["protocol"]>> = {
  "kubernetes.io/h2c": "h2c",
  "kubernetes.io/ws": "http1",
  grpc: "h2c",
  h2c: "h2c",
  http: "http1",
  http2: "h2c",
};

/** Names of IANA's registry, and usual ones, of what the bouncer cannot read as HTTP. */
const foreign = new Set(
  `amqp amqps https kafka kubernetes.io/wss ldap ldaps mongo mongodb mqtt mysql postgres
   postgresql redis smtp ssh tcp tls`.split(/\s+/),
);

/** HTTP inside of TLS: right where the bouncer has the certificate. */
const encrypted = new Set(["https", "kubernetes.io/wss", "tls"]);

/** What one Service says about one app port. */
interface Saying {
  readonly service: string;
  readonly servicePort: number;
  readonly port: number;
  readonly appProtocol: string;
}

export interface SaidProtocols {
  readonly ports: readonly SpokenPort[];
  readonly warnings: readonly Warning[];
}

export function readServices(
  pod: Pod,
  plan: PortPlan,
  services: readonly ServiceFacts[],
): SaidProtocols {
  const sayings = listSayings(pod, plan, services).filter(
    ({ port }) => !plan.protocols.has(port) && !plan.opaque.includes(port),
  );
  const said = new Map<number, SpokenPort["protocol"]>();
  const unclear = new Set<number>();
  for (const { port, appProtocol } of sayings) {
    const protocol = Object.hasOwn(spoken, appProtocol) ? spoken[appProtocol] : undefined;
    if (protocol === undefined) continue;
    if ((said.get(port) ?? protocol) !== protocol) unclear.add(port);
    said.set(port, protocol);
  }
  return {
    ports: plan.listeners.flatMap(({ targetPort: port }) => {
      const protocol = said.get(port);
      return protocol === undefined || unclear.has(port) ? [] : [{ port, protocol }];
    }),
    warnings: [
      ...sayings.filter((one) => isForeign(one, plan)).map(warnAboutForeign),
      ...[...unclear].map((port) => warn("app_protocol_unclear", `port ${port}`)),
    ],
  };
}

function listSayings(
  pod: Pod,
  plan: PortPlan,
  services: readonly ServiceFacts[],
): readonly Saying[] {
  const labels = pod.metadata?.labels ?? {};
  return services
    .filter(({ selector }) => selects(selector, labels))
    .flatMap(({ name: service, ports }) =>
      ports.flatMap(({ port: servicePort, targetPort, protocol, appProtocol }) =>
        protocol === "TCP" && appProtocol !== null
          ? findAppPorts(pod, plan, targetPort).map((port) => ({
              service,
              servicePort,
              port,
              appProtocol: appProtocol.toLowerCase(),
            }))
          : [],
      ),
    );
}

/** Services lead to the application's port, or in service mode to the bouncer's in front of it. */
function findAppPorts(pod: Pod, { listeners }: PortPlan, target: number | string): number[] {
  const named = runningContainers(pod.spec)
    .flatMap(findTcpPorts)
    .filter(({ name }) => name === target)
    .map(({ containerPort }) => containerPort);
  return listeners
    .filter(({ port, targetPort }, index) => {
      const own = [port, listenerPortName(index)];
      return targetPort === target || named.includes(targetPort) || own.includes(target);
    })
    .map(({ targetPort }) => targetPort);
}

const isForeign = ({ appProtocol, port }: Saying, { tls }: PortPlan): boolean =>
  foreign.has(appProtocol) && !(encrypted.has(appProtocol) && tls.includes(port));

function warnAboutForeign({ service, servicePort, port, appProtocol }: Saying): Warning {
  const about = `Service ${service}, port ${servicePort} to ${port} with appProtocol ${appProtocol}`;
  return warn("port_may_be_opaque", about);
}
