/**
 * Probes and hooks that the kubelet would have sent to the application, sent by the bouncer from
 * inside the pod: to the pod's own address, as the kubelet would, so that an application that
 * does not listen there fails its probe as it would without us.
 */
import { connect } from "node:net";
import type { Probe } from "../contract.ts";
import { probeHttp } from "./http.ts";

/** What the kubelet gets; it takes 200 to 399 for success. */
export interface ProbeResult {
  readonly status: number;
  readonly text: string;
}

function probeTcp(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}

async function perform(probe: Probe, host: string, signal: AbortSignal): Promise<ProbeResult> {
  const { action } = probe;
  if (action.kind === "http") {
    const { status, body } = await probeHttp(action, action.host ?? host, signal);
    return { status, text: body };
  }
  if (action.kind === "tcp") {
    await probeTcp(action.host ?? host, action.port, signal);
    return { status: 200, text: "connected" };
  }
  // HTTP/2 is five megabytes that few probes need.
  const { probeGrpc } = await import("./grpc.ts");
  const problem = await probeGrpc(host, action.port, action.service, signal);
  return problem === null ? { status: 200, text: "serving" } : { status: 503, text: problem };
}

/** Never throws: an application that cannot be reached is an answer, too. */
export async function runProbe(probe: Probe, host: string): Promise<ProbeResult> {
  const timeoutMs = probe.timeoutSeconds * 1000;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await perform(probe, host, signal);
  } catch (error) {
    if (signal.aborted) return { status: 504, text: `no answer within ${probe.timeoutSeconds} s` };
    return { status: 503, text: error instanceof Error ? error.message : "failed" };
  }
}
