/** The measurement as people read it. Pure. */
import type { Percentiles } from "../load/percentiles.ts";
import type { Measured, Measurement, Switch } from "./measure.ts";

const size = (bytes: number): string =>
  bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;

const micro = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} us`.padStart(9);

interface Row {
  readonly title: string;
  readonly latency: { readonly p50: number; readonly p99: number };
}

function formatSize(measured: Measured): string {
  const { dataBytes, inputBytes, engine, wasmMiB, opaMiB, loadMs } = measured;
  const rows: readonly Row[] = [
    { title: "engine: evaluation alone", latency: engine },
    { title: "opa bench: evaluation alone", latency: measured.opaBench },
    { title: "  no host call: engine", latency: measured.native.engine },
    { title: "  no host call: opa bench", latency: measured.native.opaBench },
    { title: "opa run --server, over REST", latency: measured.opaServer },
    { title: "  a server that decides nothing", latency: measured.floor },
    { title: "decision, whole input", latency: measured.whole },
    { title: "decision, declared input", latency: measured.declared },
    { title: "decision, remembered", latency: measured.cached },
  ];
  const lines = rows.map(({ title, latency }) => {
    const ratio = `${(latency.p50 / engine.p50).toFixed(1)}x`.padStart(8);
    return `  ${title.padEnd(34)}${micro(latency.p50)} ${micro(latency.p99)} ${ratio}`;
  });
  return [
    `data ${size(dataBytes)}, input ${inputBytes} bytes`.padEnd(36) +
      "      p50       p99  p50 / engine",
    ...lines,
    `  memory: Wasm ${wasmMiB.toFixed(0)} MiB, process of opa ${opaMiB.toFixed(0)} MiB; loaded in ${loadMs.toFixed(0)} ms`,
  ].join("\n");
}

function formatLatencies(title: string, { p50, p99, max }: Percentiles): string {
  return `  ${title.padEnd(34)}${micro(p50)} ${micro(p99)} ${micro(max)}`;
}

function formatSwitch({ dataBytes, switches, switchMs, during, quiet }: Switch): string {
  return [
    `${switches} switches, data ${size(dataBytes)}`.padEnd(36) + "      p50       p99       max",
    formatLatencies(`while switching (${switchMs.toFixed(0)} ms)`, during),
    formatLatencies("for as long, without", quiet),
  ].join("\n");
}

export function formatTable({ sizes, switches }: Measurement): string {
  return `${[...sizes.map(formatSize), ...switches.map(formatSwitch)].join("\n\n")}\n`;
}
