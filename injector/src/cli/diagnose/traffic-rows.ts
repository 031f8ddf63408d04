/** Rows about the way of a request: listener, redirect or Services, application, probes. Pure. */
import type { Listener } from "bouncer/contract";
import { type Diagnosis, type ProxyAnswer, whyNoAnswer } from "./answers.ts";
import { type Asked, fail, type Finding, good, type Row, row, unknown, warn } from "./checks.ts";
import { entryPort, type Facts, isRedirected, type PortFacts } from "./facts.ts";
import type { PodFacts } from "./pod.ts";
import { judgeServices } from "./service-rows.ts";

export function trafficRows(facts: Facts): Row[] {
  const { pod, diagnosis } = facts;
  if (pod.listeners === null) {
    const why = "the sidecar's LISTENERS is missing or cannot be read";
    return [row("listener", unknown({ why, next: "" }))];
  }
  if (pod.listeners.length === 0) {
    const next =
      "Declare the application's ports in the pod template, or list them in bouncer.dev/app-ports";
    const none = warn(
      "the pod has no app port: there is nothing that the bouncer decides on",
      next,
    );
    return [row("listener", none), ...probeRows(diagnosis)];
  }
  const isSet = isRedirected(pod) ? [] : [row("services", judgeServices(facts))];
  const perPort = pod.listeners.flatMap((listener) => portRows(listener, facts));
  return [...isSet, ...perPort, ...probeRows(diagnosis)];
}

function portRows(listener: Listener, facts: Facts): Row[] {
  const { pod, diagnosis, ports } = facts;
  const subject = `port ${listener.targetPort}`;
  const outside = findPort(ports, listener);
  const inside = findListener(diagnosis, listener);
  const application = inside.kind === "known" ? judgeApplication(inside.value) : unknown(inside);
  const listens =
    inside.kind === "known" ? judgeListener(inside.value, listener, pod) : unknown(inside);
  const rows = [row("listener", listens, subject), row("application", application, subject)];
  if (pod.opaquePorts.includes(listener.targetPort)) {
    const why = "opaque: decided once per connection, so no request can show it";
    return [
      ...rows,
      row(isRedirected(pod) ? "redirect" : "through", unknown({ why, next: "" }), subject),
    ];
  }
  if (outside.kind === "missing") {
    return [
      ...rows,
      ...(isRedirected(pod) ? [row("redirect", unknown(outside), subject)] : []),
      row("through", unknown(outside), subject),
    ];
  }
  const marked = judgeMarked(outside.value, facts, listens);
  const through =
    marked.verdict === "ok" || marked.verdict === "warning"
      ? judgeThrough(outside.value.plain)
      : unknown({ why: "requests from outside were not seen to pass the bouncer", next: "" });
  // In service mode, that the bouncer answers on its own port says little more than the listener.
  const first = isRedirected(pod) ? [row("redirect", marked, subject)] : [];
  return [...rows, ...first, row("through", through, subject)];
}

type InsideListener = Diagnosis["listeners"][number];

function findListener(diagnosis: Asked<Diagnosis>, { port }: Listener): Asked<InsideListener> {
  if (diagnosis.kind === "missing") return diagnosis;
  const value = diagnosis.value.listeners.find((one) => one.port === port);
  if (value !== undefined) return { kind: "known", value };
  const why = `the bouncer does not name a listener on ${port}, as its LISTENERS does`;
  return { kind: "missing", why, next: "" };
}

function findPort(ports: Asked<readonly PortFacts[]>, listener: Listener): Asked<PortFacts> {
  if (ports.kind === "missing") return ports;
  const value = ports.value.find((one) => one.listener.port === listener.port);
  if (value !== undefined) return { kind: "known", value };
  return { kind: "missing", why: "not asked: the pod has too many ports", next: "" };
}

const protocolNames: Readonly<Record<string, string>> = {
  http1: "speaks HTTP/1.1 to the application",
  h2c: "speaks HTTP/2 to the application (h2c)",
};

function judgeListener(
  { port, listening }: InsideListener,
  { targetPort }: Listener,
  { tlsPorts, appProtocols }: PodFacts,
): Finding {
  const spoken = protocolNames[appProtocols.get(targetPort) ?? ""];
  const more = [
    ...(tlsPorts.includes(targetPort) ? ["with TLS"] : []),
    ...(spoken === undefined ? [] : [spoken]),
  ];
  return listening
    ? good([`the bouncer listens on ${port}`, ...more].join(", "))
    : fail(
        `the bouncer does not listen on ${port}`,
        "Its log says why; perhaps a container of the pod has taken the port: declare that port in the pod template, then the bouncer moves",
      );
}

function judgeApplication({ target, application }: InsideListener): Finding {
  if (application.ok) return good(`${target} accepts connections`);
  const why = application.error === null ? "" : `: ${application.error}`;
  return fail(
    `${target} does not accept connections${why}`,
    "Look at the application's own log; one that listens on 127.0.0.1 only is reached by bouncer.dev/target-host: 127.0.0.1",
  );
}

/** Whether the answer to the request that no bouncer lets through is a bouncer's. */
function judgeMarked(port: PortFacts, facts: Facts, listens: Finding): Finding {
  const { marked } = port;
  const entry = entryPort(facts.pod, port.listener);
  if (marked.kind === "answer") {
    const reason = marked.headers["x-bouncer-reason"];
    return reason === undefined
      ? judgeUnmarked(marked.status, port, facts)
      : good(`a request from outside to ${entry} was answered by the bouncer (${reason})`);
  }
  const isRefused = marked.kind === "unreachable" && /connection refused/i.test(marked.message);
  if (isRefused && listens.verdict === "ok") {
    return fail(
      `port ${entry} refuses connections from outside, although the bouncer listens: they are not redirected`,
      reinstall,
    );
  }
  return unknown(whyNoAnswer(marked, facts.pod.namespace, entry));
}

const reinstall =
  "Create the pod again; if that does not help, look for what changes iptables in the pod (a mesh, a CNI, a container with NET_ADMIN)";

/** Neither header nor counter: it went around. A counter alone may have counted somebody else. */
function judgeUnmarked(status: number, { counted, listener }: PortFacts, facts: Facts): Finding {
  const entry = entryPort(facts.pod, listener);
  const { before, after } = counted;
  const excluded =
    facts.pod.excludedSources === ""
      ? ""
      : `; connections from ${facts.pod.excludedSources} are let through by configuration, perhaps the API server's too`;
  const got = `port ${entry} answered HTTP ${status} without a mark of the bouncer`;
  if (before === null || after === null) {
    return unknown({
      why: `${got}, and the bouncer's counters cannot be read${excluded}`,
      next: "Open the admin port to the control plane, and ask again",
    });
  }
  if (after > before) {
    return warn(
      `${got}, while it counted ${after - before} requests, which may be others${excluded}`,
      "Ask again when the pod is idle",
    );
  }
  return excluded === ""
    ? fail(`${got}, and it counted no request: requests go around it`, reinstall)
    : warn(`${got}, and it counted no request${excluded}`, "Ask from another pod");
}

/** What the application's own counters are for is to be decided by its owner: any status is one. */
function judgeThrough(plain: ProxyAnswer): Finding {
  if (plain.kind !== "answer") return unknown({ why: plain.message, next: "" });
  const { status } = plain;
  const reason = plain.headers["x-bouncer-reason"];
  if (reason === undefined) return good(`GET / got HTTP ${status} from the application`);
  const advice = refusals.get(reason);
  return advice === undefined
    ? good(`GET / got HTTP ${status} from the bouncer (${reason}): it decides`)
    : fail(`GET / got HTTP ${status} from the bouncer (${reason})`, advice);
}

/** Refusals that no client should see; others are the policy's business. */
const refusals: ReadonlyMap<string, string> = new Map([
  ["no_policy", "The rows policy and policy source say what is missing"],
  [
    "policy_result",
    "The policy has no decision at the path it is asked for: compare bouncer.dev/decision-path with the rules of the bundle",
  ],
  ["policy_error", "The sidecar's log has the error of the evaluation"],
  [
    "policy_timeout",
    "The policy, or a service that it asks, is too slow; see POLICY_EVALUATION_TIMEOUT_MS and POLICY_DECISION_TIMEOUT_MS",
  ],
  ["overload", "Give the bouncer or the application more, or run more replicas"],
  ["app_unreachable", "The row application says more"],
  [
    "app_failed",
    "The application does not answer in HTTP/1.1: if the port speaks something else, list it in bouncer.dev/opaque-ports",
  ],
  ["app_timeout", "The application takes too long to answer; its own log says why"],
  ["internal", "A bug in the bouncer: report it with the sidecar's log"],
]);

function probeRows(diagnosis: Asked<Diagnosis>): Row[] {
  if (diagnosis.kind === "missing") return [row("probe", unknown(diagnosis))];
  const { probes } = diagnosis.value;
  if (probes.length === 0) return [row("probe", good("the bouncer performs none"))];
  return probes.map((probe) => {
    const subject = `${probe.container} ${probe.field}`;
    return row("probe", judgeProbe(probe), subject);
  });
}

function judgeProbe({ status, error }: Diagnosis["probes"][number]): Finding {
  if (error === null && status !== null && status >= 200 && status < 400) {
    return good(`HTTP ${status}`);
  }
  const answer = status === null ? "no answer" : `HTTP ${status}`;
  return fail(
    error === null ? answer : `${answer}: ${error}`,
    "The application answers its probe so without the bouncer, too: look at its log, and at path and port of the probe",
  );
}
