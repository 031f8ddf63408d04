/**
 * What a running bouncer says about itself, and what requests to its app ports give: all of it by
 * way of the API server, since nobody needs a route to pods to run kubectl.
 */
import { adminPath, type Listener } from "bouncer/contract";
import {
  countRequests,
  type Diagnosis,
  parseDiagnosis,
  parsePolicy,
  type PolicyFacts,
  type ProxyAnswer,
  whyNoAnswer,
} from "./answers.ts";
import { type Asked, known, missing } from "./checks.ts";
import { entryPort, type PortFacts } from "./facts.ts";
import type { PodFacts } from "./pod.ts";
import type { AskPod, PodPort } from "./proxy.ts";

/** The admin port of a bouncer that runs. */
export interface Bouncer {
  readonly ask: AskPod;
  readonly admin: PodPort;
}

export function openBouncer(pod: PodFacts, ask: AskPod): Asked<Bouncer> {
  const { namespace, name, adminPort: port } = pod;
  if (pod.sidecar?.state.kind !== "running" || pod.address === "") {
    return missing("not asked: the sidecar does not run", "");
  }
  if (port === null) return missing("not asked: the sidecar's ADMIN_PORT cannot be read", "");
  return known({ ask, admin: { namespace, name, port } });
}

export async function readDiagnosis(
  pod: PodFacts,
  bouncer: Asked<Bouncer>,
): Promise<Asked<Diagnosis>> {
  if (bouncer.kind === "missing") return bouncer;
  if (pod.adminToken === null) return missing("not asked: the sidecar has no ADMIN_TOKEN", "");
  const { ask, admin } = bouncer.value;
  const answer = await ask(admin, `${adminPath.diagnosis.slice(1)}/${pod.adminToken}`);
  if (answer.kind === "answer" && answer.status === 404) {
    return missing(
      "the bouncer is of a version that cannot diagnose itself",
      `kubectl bouncer outdated -n ${pod.namespace} --restart restarts what is behind`,
    );
  }
  const body = bodyOf(answer, admin);
  return body.kind === "missing" ? body : readable(parseDiagnosis(body.value));
}

const readable = <T>(parsed: T | string): Asked<T> =>
  typeof parsed === "string"
    ? missing(`the bouncer's answer cannot be read: ${parsed}`, "")
    : known(parsed);

function bodyOf(answer: ProxyAnswer, { namespace, port }: PodPort): Asked<string> {
  if (answer.kind === "answer" && answer.status === 200) return known(answer.body);
  if (answer.kind === "answer") {
    return missing(`the bouncer's admin port answered HTTP ${answer.status}`, "");
  }
  return { kind: "missing", ...whyNoAnswer(answer, namespace, port) };
}

/** A bouncer without a diagnosis still tells about its policy. */
export async function readPolicy(
  bouncer: Asked<Bouncer>,
  now: () => number,
): Promise<Asked<PolicyFacts>> {
  if (bouncer.kind === "missing") return bouncer;
  const { ask, admin } = bouncer.value;
  const body = bodyOf(await ask(admin, adminPath.status.slice(1)), admin);
  return body.kind === "missing" ? body : readable(parsePolicy(body.value, now()));
}

/** Each takes a few requests, one after the other. */
const maxPorts = 16;

/**
 * A backslash in the path: every bouncer refuses it before any policy is asked, in shadow mode too,
 * so neither policy nor application see it, and whoever answers it otherwise is not the bouncer.
 */
const markedPath = "%5Cbouncer-diagnose";

export async function askPorts(
  pod: PodFacts,
  bouncer: Asked<Bouncer>,
): Promise<Asked<readonly PortFacts[]>> {
  if (bouncer.kind === "missing") return bouncer;
  const { ask, admin } = bouncer.value;
  const listeners = (pod.listeners ?? []).filter(
    ({ targetPort }) => !pod.opaquePorts.includes(targetPort),
  );
  const ports: PortFacts[] = [];
  // One after the other: requests to one port would move the counters that tell about another.
  for (const listener of listeners.slice(0, maxPorts)) {
    const tls = pod.tlsPorts.includes(listener.targetPort);
    const entry = { ...admin, port: entryPort(pod, listener), tls };
    const facts = await askPort(listener, entry, { ask, admin });
    if (facts.marked.kind === "forbidden") {
      return { kind: "missing", ...whyNoAnswer(facts.marked, admin.namespace, entry.port) };
    }
    ports.push(facts);
  }
  return known(ports);
}

async function askPort(
  listener: Listener,
  entry: PodPort,
  { ask, admin }: Bouncer,
): Promise<PortFacts> {
  const count = async (): Promise<number | null> => {
    const answer = await ask(admin, adminPath.metrics.slice(1));
    return answer.kind === "answer" && answer.status === 200 ? countRequests(answer.body) : null;
  };
  const before = await count();
  const marked = await ask(entry, markedPath);
  const after = await count();
  const plain = marked.kind === "answer" ? await ask(entry, "") : marked;
  return { listener, marked, counted: { before, after }, plain };
}
