/** The measurement as people read it. Pure. */
import type { Percentiles } from "../load/percentiles.ts";
import type { Cost } from "./cost.ts";
import type { Growth, RoleRow, RolesMeasured } from "./measure-roles.ts";
import type { Form } from "./roles.ts";
import type { Measured, Measurement, Switch } from "./measure.ts";

const size = (bytes: number): string =>
  bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;

const micro = (value: number): string => `${value.toFixed(value < 30 ? 1 : 0)} us`.padStart(9);

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

const roleRows: Readonly<Record<RoleRow, string>> = {
  engineDeclared: "declared input: evaluation alone",
  declared: "  decision, no cache",
  rememberedDeclared: "  decision, remembered",
  uniqueDeclared: "  unique requests, cache on",
  uniqueDeclaredOff: "  unique requests, cache off",
  engineWhole: "whole input: evaluation alone",
  whole: "  decision, no cache",
  rememberedWhole: "  decision, remembered",
  uniqueWhole: "  unique requests, cache on",
  uniqueWholeOff: "  unique requests, cache off",
};

function formatCost(title: string, { cpuUs, bytes }: Cost): string {
  return `  ${title.padEnd(34)}${micro(cpuUs)} ${`${bytes} B`.padStart(9)}`;
}

const forms: Readonly<Record<Form, string>> = {
  indexed: "looked up",
  listed: "gone through",
  written: "written in Rego",
};

function formatGrowth({ rules, costs }: Growth): readonly string[] {
  const names = Object.keys(forms) as Form[];
  return names.flatMap((form) => {
    const cost = costs[form];
    return cost === null ? [] : [formatCost(`${rules} rules, ${forms[form]}`, cost)];
  });
}

export function formatRoles({ rules, costs, growth }: RolesMeasured): string {
  const names = Object.keys(roleRows) as RoleRow[];
  return [
    `a policy of ${rules} rules for roles`.padEnd(36) + "      CPU    garbage",
    ...names.map((name) => formatCost(roleRows[name], costs[name])),
    "evaluation alone, by rules".padEnd(36) + "      CPU    garbage",
    ...growth.flatMap(formatGrowth),
  ].join("\n");
}

export function formatTable({ roles, sizes, switches }: Measurement): string {
  const parts = [formatRoles(roles), ...sizes.map(formatSize), ...switches.map(formatSwitch)];
  return `${parts.join("\n\n")}\n`;
}
