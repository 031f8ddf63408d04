/**
 * Where log lines go and what they look like: JSON on stdout, one line per event, the message
 * constant and the data in fields. Bodies, keys and tokens are never passed to it.
 */
import { pino } from "pino";
import type { DestinationStream, Level, Logger } from "pino";

/** What the rest of the webhook needs of a logger. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

/** Synchronous, so that no line is lost when the process ends. */
export function createLog(level: Level, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    errorKey: "error",
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
