/** The measurement as people read it, and what of it is beyond what is promised. Pure. */
import type { Propagation } from "./propagate.ts";
import type { Reconnect } from "./reconnect.ts";

export interface Measured {
  readonly reconnect: Reconnect;
  readonly propagation: Propagation;
}

/** What is promised. */
export const bounds = { peakMiB: 200, propagationSeconds: 2 } as const;

export function formatTable({ reconnect, propagation }: Measured): string {
  const { bouncers, bundleKiB, seconds, lost, tokenReviews, peakMiB, settledMiB } = reconnect;
  const { simulated, policies, lastSimulated, firstPolicy, lastPolicy } = propagation;
  const { slowest, changes, cpuSecondsPerPolicy } = propagation;
  return [
    `${bouncers} bouncers come back at once to one bridge, a bundle of ${bundleKiB} KiB`,
    `  without the last update   ${lost}`,
    `  until the last has it     ${seconds.toFixed(1)} s (from the start of the bridge's process)`,
    `  tokens reviewed           ${tokenReviews}`,
    `  resident memory           ${peakMiB.toFixed(0)} MiB at its highest, ${settledMiB.toFixed(0)} MiB after it`,
    "",
    `${simulated} bouncers and ${policies} real policies, a bundle of ${propagation.bundleKiB} KiB, ${changes} changes`,
    `  the last bouncer has it   ${lastSimulated.toFixed(2)} s after the change`,
    `  enforced by a policy      ${firstPolicy.toFixed(2)} s`,
    `  by the last policy        ${lastPolicy.toFixed(2)} s (slowest change ${slowest.toFixed(2)} s)`,
    `  CPU time of a policy      ${(cpuSecondsPerPolicy * 1000).toFixed(0)} ms a change`,
    "",
  ].join("\n");
}

export function findExcess({ reconnect, propagation }: Measured): readonly string[] {
  const { lost, peakMiB } = reconnect;
  const { slowest } = propagation;
  return [
    ...(lost > 0 ? [`${lost} bouncers have not got the last update`] : []),
    ...(peakMiB > bounds.peakMiB
      ? [`the bridge took ${peakMiB.toFixed(0)} MiB, more than ${bounds.peakMiB}`]
      : []),
    ...(slowest > bounds.propagationSeconds
      ? [`a change took ${slowest.toFixed(2)} s, more than ${bounds.propagationSeconds}`]
      : []),
  ];
}
