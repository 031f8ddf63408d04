/** The measurement as a picture, readable on white and on black. Pure. */
import { type Bar, type Chart, drawChart, width } from "./chart.ts";
import { percentiles, type Results } from "./goals.ts";
import type { Cell } from "./measure.ts";
import type { Names } from "./report.ts";

const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.heading { fill: #57606a }
.label { text-anchor: end }
.value { fill: #57606a }
.ground { fill: #ffffff }
.ours { fill: #0969da }
.peer { fill: #afb8c1 }
.plain { fill: #8c959f }
.goal { stroke: #bc4c00; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.heading, .value { fill: #9198a1 }
.ground { fill: #0d1117 }
.ours { fill: #4493f8 }
.peer { fill: #484f58 }
.plain { fill: #6e7681 }
.goal { stroke: #f0883e }
}
`;

type Peer = readonly [name: string, title: string];

/** The three that are compared everywhere. */
const compared: readonly Peer[] = [
  ["bouncer", "bouncer"],
  ["envoy", "Envoy"],
  ["haproxy-log", "HAProxy with its log"],
];
/** Loads with the goal to Envoy that the bouncer has there. */
const related: readonly (readonly [load: string, title: string, goal: number])[] = [
  ["get-1", "GET 1 KB, c1", 0.6],
  ["get-16", "GET 1 KB, c16", 0.6],
  ["get-64", "GET 1 KB, c64", 0.6],
  ["get-256", "GET 1 KB, c256", 0.6],
  ["refused", "refusals", 0.3],
  ["post-10k", "POST 10 KB", 0.65],
  ["post-1m", "POST 1 MB", 1.3],
  ["get-1m", "GET 1 MB", 1.3],
  ["grpc", "gRPC unary", 1.3],
  ["websocket", "WebSocket echo", 1],
];

const seriesOf = (name: string): Bar["series"] => {
  if (name.startsWith("bouncer")) return "ours";
  return name === "envoy" ? "plain" : "peer";
};

const find = (cells: readonly Cell[], load: string, target: string): Cell | undefined =>
  cells.find((cell) => cell.load === load && cell.target === target);

function chartCpu(cells: readonly Cell[], names: Names): Chart {
  const bars = names.targets.flatMap(({ name, title }): readonly Bar[] => {
    const cell = find(cells, "get-16", name);
    if (cell === undefined) return [];
    const { median } = cell.cpu;
    return [
      { label: title, value: median, text: `${median.toFixed(2)} s`, series: seriesOf(name) },
    ];
  });
  return {
    title: "CPU of 10,000 requests (GET 1 KB, 16 connections)",
    groups: [{ heading: null, bars }],
  };
}

function chartRatios(cells: readonly Cell[]): Chart {
  const groups = related.map(([load, heading, goal]) => {
    const envoy = find(cells, load, "envoy")?.cpu.median ?? Number.NaN;
    const bars = compared.flatMap(([name, label]): readonly Bar[] => {
      const value = (find(cells, load, name)?.cpu.median ?? Number.NaN) / envoy;
      if (Number.isNaN(value)) return [];
      const mark = name === "bouncer" ? { goal } : {};
      return [{ label, value, text: value.toFixed(2), series: seriesOf(name), ...mark }];
    });
    return { heading, bars };
  });
  return {
    title: "CPU of a request in multiples of Envoy's; the line is the goal",
    groups: groups.filter(({ bars }) => bars.length > 0),
  };
}

function chartLatency(cells: readonly Cell[]): Chart {
  const groups = percentiles.map((percentile) => {
    const of = (target: string): number =>
      find(cells, "rate-2000", target)?.latency?.[percentile].median ?? Number.NaN;
    const bars = compared.flatMap(([name, label]): readonly Bar[] => {
      const value = of(name) - of("direct");
      if (Number.isNaN(value)) return [];
      const shown = Math.max(value, 0);
      return [{ label, value: shown, text: `${value.toFixed(2)} ms`, series: seriesOf(name) }];
    });
    return { heading: percentile.toUpperCase(), bars };
  });
  return {
    title: "Added latency at 2,000 requests a second",
    groups: groups.filter(({ bars }) => bars.length > 0),
  };
}

export function drawPlot({ cells }: Results, names: Names): string {
  const charts = [chartCpu(cells, names), chartRatios(cells), chartLatency(cells)];
  const parts: string[] = [];
  let y = 16;
  for (const chart of charts) {
    if (chart.groups.every(({ bars }) => bars.length === 0)) continue;
    const { svg, height } = drawChart(chart, y);
    parts.push(svg);
    y += height;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img" aria-label="CPU and latency of the bouncer beside its peers">
<style>${style}</style>
<rect class="ground" width="100%" height="100%"/>
${parts.join("\n")}
</svg>
`;
}
