/** The log of the bouncer. The only importer of pino. */
import type { Writable } from "node:stream";
import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "../config.ts";

export type Log = Logger;
export type { DestinationStream };

type LogConfig = Pick<Config, "logLevel" | "logFormat" | "podName" | "podNamespace">;

/** Paths of fields that never appear, whoever logs them. */
const redact = [
  "headers.authorization",
  "headers.cookie",
  "*.headers.authorization",
  "*.headers.cookie",
  "token",
  "*.token",
];

/** Lines that may wait for whoever reads the stream. */
const maxWaitingBytes = 1024 * 1024;

/**
 * Never waits: a reader that stands still must not hold up requests, so what it does not take is
 * dropped. Audit records may be on the same stream: a line that went past it, to the descriptor,
 * could end up inside of one.
 */
export function createLogStream(stream: Writable): DestinationStream {
  stream.on("error", () => {
    // Nobody reads any more: no reason to stop serving.
  });
  return {
    write: (line) => {
      if (stream.writableLength < maxWaitingBytes) stream.write(line);
    },
  };
}

export function createLog(config: LogConfig, destination: DestinationStream): Log {
  const stream = config.logFormat === "json" ? destination : createTextStream(destination);
  return pino(
    {
      level: config.logLevel,
      redact,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      base: podFields(config),
    },
    stream,
  );
}

function podFields({ podName, podNamespace }: LogConfig): Record<string, string> {
  return podName === "" ? {} : { pod: podName, namespace: podNamespace };
}

/** `12:00:01.000 WARN  message  key=value ...`, for people. */
function createTextStream(destination: DestinationStream): DestinationStream {
  return {
    write: (line) => {
      destination.write(`${formatText(line)}\n`);
    },
  };
}

function formatText(line: string): string {
  const record: unknown = JSON.parse(line);
  if (typeof record !== "object" || record === null) return line.trim();
  const fields = new Map<string, unknown>(Object.entries(record));
  const take = (name: string): string => {
    const value = fields.get(name);
    fields.delete(name);
    return typeof value === "string" ? value : "";
  };
  const head = `${take("time")} ${take("level").toUpperCase().padEnd(5)} ${take("msg")}`;
  const rest = [...fields].map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [head, ...rest].join(" ");
}
