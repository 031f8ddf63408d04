/** A process of simulated bouncers, ordered about by messages. */
import { startFleet } from "../../../bridge/test/load/bouncer.ts";

export interface FleetOrder {
  readonly count: number;
  readonly port: number;
  readonly ca: string;
  readonly bundle: string;
}

export interface FleetNews {
  readonly index: number;
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** While the bridge is away; short, so that they come back all at once. */
const retryMs = 250;

process.once("message", (order: FleetOrder) => {
  startFleet(order.count, {
    ...order,
    token: (index) => `bouncer-${index}`,
    delayMs: () => Math.random() * retryMs,
    onEnforced: (index, sha256) => {
      const news: FleetNews = { index, sha256, at: Date.now() };
      process.send?.(news);
    },
  });
});
process.once("disconnect", () => process.exit());
