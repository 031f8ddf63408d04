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
  const { policies, processes, first, median, last, slowest, changes } = propagation;
  return [
    `${bouncers} bouncers come back at once to one bridge, a bundle of ${bundleKiB} KiB`,
    `  without the last update   ${lost}`,
    `  until the last has it     ${seconds.toFixed(1)} s (from the start of the bridge's process)`,
    `  tokens reviewed           ${tokenReviews}`,
    `  resident memory           ${peakMiB.toFixed(0)} MiB at its highest, ${settledMiB.toFixed(0)} MiB after it`,
    "",
    `${policies} real policies in ${processes} processes, a bundle of ${propagation.bundleKiB} KiB, ${changes} changes`,
    `  enforced by the first     ${first.toFixed(2)} s after the change`,
    `  by half of them           ${median.toFixed(2)} s`,
    `  by the last               ${last.toFixed(2)} s (slowest change ${slowest.toFixed(2)} s)`,
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
