/**
 * The second webhook: tells whoever applies a workload what will happen to its pods. It refuses
 * nothing, whatever goes wrong: the pods themselves are asked about again.
 */
import { InjectorError, toInjectorError } from "../errors.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import type { WorkloadResult } from "../telemetry/metrics.ts";
import { withDeadline } from "./deadline.ts";
import type { Admit } from "./handler.ts";
import type { Judge } from "./judge.ts";
import type { AdmissionRequest } from "./review.ts";
import { describeOutlook, readWorkload } from "./workload.ts";
import type { Outlook } from "./workload.ts";

export interface WarnDeps {
  readonly judge: Pick<Judge, "ask">;
  readonly observe: (result: WorkloadResult, reason: string) => void;
  readonly revision: () => string;
  readonly timer: Timer;
  readonly log: Log;
}

interface Outcome {
  readonly result: WorkloadResult;
  readonly reason: string;
  readonly warnings: readonly string[];
}

/** Rejects with `request_unexpected` for what is no workload: that is a webhook set up wrongly. */
export function createWarn(deps: WarnDeps): Admit {
  return async (request, budgetMs) => {
    const workload = readWorkload(request);
    if (workload.kind === "unexpected") {
      throw new InjectorError("request_unexpected", workload.message);
    }
    const { title, template, isChanged } = workload;
    const unchanged: Outcome = { result: "unchanged", reason: "unchanged", warnings: [] };
    const outcome = isChanged
      ? await withDeadline(look(title, template, request, deps), budgetMs, deps.timer).catch(
          (error: unknown) => failed(error, request, deps.log),
        )
      : unchanged;
    const { result, reason, warnings } = outcome;
    deps.observe(result, reason);
    const { uid, namespace } = request;
    deps.log[isChanged ? "info" : "debug"](
      { uid, namespace, workload: title, result, reason, warnings: warnings.length },
      "workload reviewed",
    );
    const audit = { result, revision: deps.revision(), mode: "" };
    return { allowed: true, patch: [], warnings, reason, audit };
  };
}

async function look(
  title: string,
  template: unknown,
  request: AdmissionRequest,
  { judge }: WarnDeps,
): Promise<Outcome> {
  const { injection } = await judge.ask(template, request.namespace);
  const outlook: Outlook = describeOutlook(title, injection);
  return { ...outlook, result: outlook.warnings.length > 0 ? "warned" : "silent" };
}

function failed(error: unknown, { uid }: AdmissionRequest, log: Log): Outcome {
  const { code, message } = toInjectorError(error);
  if (code === "internal") log.error({ uid, error }, "bug in admission");
  else log.warn({ uid, code, detail: message }, "workload not reviewed");
  return { result: "failed", reason: code, warnings: [] };
}
