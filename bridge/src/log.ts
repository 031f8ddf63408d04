/** Log lines: JSON on stdout, constant messages with data in fields, never a token. */
import { pino, type Logger } from "pino";
import type { Config } from "./config.ts";

export function createLog(level: Config["logLevel"]): Logger {
  return pino(
    {
      level,
      base: { component: "bridge" },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Without this, lines that are written just before the process ends come out of order.
    pino.destination({ dest: 1, sync: true }),
  );
}
