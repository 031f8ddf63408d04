/** Rows about the pod object: what was injected, and how the bouncer's containers fare. Pure. */
import { containerName } from "bouncer/contract";
import { fail, type Finding, good, known, type Row, row, unknown, warn } from "./checks.ts";
import type { Facts } from "./facts.ts";
import type { ContainerFacts, Ended, PodFacts } from "./pod.ts";

/** Null: there is a bouncer, and the other rows tell how it does. */
export function findNoBouncer(pod: PodFacts): Row | null {
  if (pod.sidecar !== null) return null;
  const next = `kubectl bouncer explain ${pod.name} -n ${pod.namespace} says why; a pod gets its bouncer when it is created`;
  return row(
    "bouncer",
    pod.mark.kind === "none"
      ? fail("the pod has no bouncer: requests reach the application undecided", next)
      : fail(
          `the pod has the status annotation, but no container ${containerName.sidecar}: requests reach the application undecided`,
          "Somebody removed the container or copied the annotation: remove both from the manifest and create the pod again",
        ),
  );
}

export function podRows(facts: Facts): Row[] {
  const { pod } = facts;
  const steps = [
    ...(pod.redirect === null ? [] : [row("redirect_step", judgeStep(pod.redirect, facts))]),
    row("loader_step", judgeLoader(facts)),
  ];
  return [
    row("bouncer", judgeBouncer(pod)),
    row("version", judgeVersion(facts)),
    row("shadow", judgeShadow(facts)),
    row("images", judgeImages(facts)),
    ...(pod.tlsSecret === null ? [] : [row("certificate", judgeCertificate(pod.tlsSecret, facts))]),
    ...steps,
    row("sidecar", judgeSidecar(facts)),
  ];
}

function judgeBouncer({ mark, sidecar, redirect }: PodFacts): Finding {
  const kind = sidecar?.isInit === true ? "a native sidecar" : "a plain container";
  const mode = redirect === null ? "service mode" : "redirect mode";
  if (mark.kind === "version") return good(`${mode}, ${kind}`);
  return mark.kind === "none"
    ? warn(
        `${mode}, ${kind}, but no status annotation: it was not put in by the injector, or somebody removed the annotation`,
        "Keep the containers out of the manifest and let the injector add them",
      )
    : warn(
        `${mode}, ${kind}; ${mark.problem}`,
        "Remove the annotation from the manifest and create the pod again",
      );
}

function judgeVersion({ pod, installed }: Facts): Finding {
  if (pod.mark.kind !== "version") {
    return unknown({ why: "there is no status annotation to read it from", next: "" });
  }
  const { version } = pod.mark;
  if (installed.kind === "missing") {
    return unknown({ ...installed, why: `the pod has ${version}; ${installed.why}` });
  }
  if (version === installed.value) return good(version);
  return warn(
    `the pod was injected by ${version}, installed is ${installed.value}`,
    `kubectl bouncer outdated -n ${pod.namespace} --restart restarts what is behind`,
  );
}

function judgeShadow({ pod, diagnosis }: Facts): Finding {
  const isOn = diagnosis.kind === "known" ? diagnosis.value.shadow : pod.shadow;
  return isOn
    ? warn(
        "on: what the policy does not allow is recorded, and let through",
        "When the audit records are as expected, remove bouncer.dev/shadow or the operator's shadow: true, and restart",
      )
    : good("off");
}

/** Reasons of waiting that the kubelet gives for images. */
const imageReasons = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ImageInspectError",
  "ErrImageNeverPull",
  "RegistryUnavailable",
]);

function judgeImages({ pod, absentSecrets }: Facts): Finding {
  const ours = [pod.redirect, pod.loader, pod.sidecar].filter((container) => container !== null);
  const problems = ours.flatMap(({ name, state }) =>
    state.kind === "waiting" && imageReasons.has(state.reason)
      ? [`${name}: ${state.reason}${state.message === "" ? "" : `: ${state.message}`}`]
      : [],
  );
  const absent = absentSecrets.kind === "known" ? absentSecrets.value : [];
  const secrets = absent.map((name) => `"${name}"`).join(", ");
  const create =
    absent.length === 0
      ? ""
      : `Create pull secret ${secrets} in namespace "${pod.namespace}", or remove it from imagePullSecrets`;
  if (problems.length > 0) {
    const check =
      "Check the name of the image (the operator's image, bouncer.dev/image) and that its registry lets this cluster in";
    return fail(problems.join("; "), create === "" ? check : create);
  }
  if (absent.length > 0) return warn(`pulled, but pull secret ${secrets} does not exist`, create);
  if (ours.every(({ state }) => state.kind === "none" || state.kind === "waiting")) {
    return unknown({
      why: notStarted(pod),
      next: `kubectl -n ${pod.namespace} describe pod ${pod.name}`,
    });
  }
  return good("pulled");
}

function judgeCertificate(name: string, { pod, hasCertificate }: Facts): Finding {
  if (hasCertificate.kind === "missing") return unknown(hasCertificate);
  if (hasCertificate.value) return good(`Secret "${name}"`);
  return fail(
    `Secret "${name}" does not exist: the bouncer does not start without it`,
    `Create it in namespace "${pod.namespace}", of type kubernetes.io/tls, or change bouncer.dev/tls-secret`,
  );
}

function notStarted({ unscheduled }: PodFacts): string {
  return unscheduled === null
    ? "no container has started yet"
    : `the pod has no node: ${unscheduled}`;
}

function judgeLoader(facts: Facts): Finding {
  const { loader } = facts.pod;
  return loader === null
    ? fail(
        "the pod has no such step: somebody removed it",
        "Keep the bouncer's containers as the injector writes them",
      )
    : judgeStep(loader, facts);
}

function judgeStep(step: ContainerFacts, facts: Facts): Finding {
  const { state, lastEnd, restarts, name } = step;
  const { pod } = facts;
  if (state.kind === "ended" && state.exitCode === 0) return good("finished");
  const logs = `kubectl -n ${pod.namespace} logs ${pod.name} -c ${name}`;
  const end = state.kind === "ended" ? state : lastEnd;
  if (end !== null && end.exitCode !== 0) {
    const times = restarts === 0 ? "" : `, ${restarts + 1} times`;
    return fail(`${describeEnd(end)}${times}: ${whyEnded(end, name, facts)}`, logs);
  }
  if (state.kind === "running") return warn("has not finished yet", logs);
  return unknown({
    why: pod.unscheduled === null ? "has not started yet" : notStarted(pod),
    next: `kubectl -n ${pod.namespace} describe pod ${pod.name}`,
  });
}

function describeEnd({ exitCode, reason }: Ended): string {
  return reason === "" || reason === "Error"
    ? `ended with ${exitCode}`
    : `ended with ${exitCode} (${reason})`;
}

/** The container's last words. */
function whyEnded({ message }: Ended, name: string, { logs }: Facts): string {
  if (message.trim() !== "") return lastLine(message);
  const lines = logs[name] ?? known([]);
  if (lines.kind === "missing") return `its log is not known: ${lines.why}`;
  const text = lines.value.findLast((line) => line.trim() !== "");
  return text === undefined ? "its log is empty" : readLogLine(text);
}

const lastLine = (text: string) => readLogLine(text.trim().split("\n").at(-1) ?? "");

/** Log lines are JSON, unless LOG_FORMAT is text: what they say, without time and level. */
function readLogLine(line: string): string {
  const said = [...line.matchAll(/"(?:code|msg|detail|problem)":("(?:[^"\\]|\\.)*")/g)];
  const parts = said.map(([, quoted]) => JSON.parse(quoted ?? '""') as unknown);
  return parts.length === 0 ? line.trim() : [...new Set(parts.map(String))].join(": ");
}

function judgeSidecar(facts: Facts): Finding {
  const { sidecar } = facts.pod;
  if (sidecar === null) return unknown({ why: "it is not there", next: "" });
  const { pod } = facts;
  const { state, restarts, lastEnd, name } = sidecar;
  const logs = `kubectl -n ${pod.namespace} logs ${pod.name} -c ${name}`;
  if (state.kind === "running") return judgeRunning(state.ready, sidecar, pod);
  const end = state.kind === "ended" ? state : lastEnd;
  if (pod.isEnding || pod.phase === "Succeeded") {
    return warn("stopped: the pod is ending, or has ended", "");
  }
  if (end !== null) {
    const why = `${describeEnd(end)}: ${whyEnded(end, name, facts)}`;
    return fail(`does not run; ${why}; ${countRestarts(restarts)}`, memoryAdvice(end) ?? logs);
  }
  const reason = state.kind === "waiting" ? state.reason : "";
  return fail(
    `does not run${reason === "" || reason === "PodInitializing" ? ": a step before it has not finished" : `: ${reason}`}`,
    `kubectl -n ${pod.namespace} describe pod ${pod.name}`,
  );
}

function judgeRunning(ready: boolean, sidecar: ContainerFacts, pod: PodFacts): Finding {
  const { restarts, lastEnd, name } = sidecar;
  const before = lastEnd === null ? "" : `; before, it ${describeEnd(lastEnd)}`;
  const told = restarts === 0 ? "" : `, ${countRestarts(restarts)}${before}`;
  if (!ready) {
    return fail(
      `runs, but is not ready${told}: no Service sends requests to the pod`,
      "The rows below say what is missing; most often it is the policy",
    );
  }
  if (restarts === 0) return good("running, ready");
  const logs = `kubectl -n ${pod.namespace} logs ${pod.name} -c ${name} --previous`;
  return warn(`running, ready${told}`, (lastEnd && memoryAdvice(lastEnd)) ?? logs);
}

const countRestarts = (restarts: number) => (restarts === 1 ? "1 restart" : `${restarts} restarts`);

function memoryAdvice({ reason }: Ended): string | null {
  return reason === "OOMKilled"
    ? "Give it more memory: bouncer.dev/preset or bouncer.dev/memory-limit on the pod template"
    : null;
}
