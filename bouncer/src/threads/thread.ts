/**
 * A thread beside the main one: carries requests on the same ports, decides by the sets of bundles
 * that the main thread hands it, and hands over what is to be recorded, logged and counted.
 */
import { parentPort } from "node:worker_threads";
import { collectAtRest } from "../rest.ts";
import { createCarrier } from "./carrier.ts";
import type { Order } from "./messages.ts";

const port = parentPort;
if (port === null) throw new Error("this file is for a worker thread");

let take: ReturnType<typeof createCarrier> | null = null;

port.on("message", (order: Order) => {
  if (order.kind !== "begin") {
    take?.(order);
    return;
  }
  take = createCarrier(order, (notice) => port.postMessage(notice));
  collectAtRest();
});
