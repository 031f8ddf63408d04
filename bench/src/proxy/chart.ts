/** Bars that lie, under a title: a piece of SVG. Colours are classes: see plot.ts. Pure. */

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What is written behind it. */
  readonly text: string;
  readonly series: "ours" | "peer" | "plain";
  /** A goal: a line across the bar. */
  readonly goal?: number;
}

/** Bars that belong together; more of them have a heading. */
export interface Group {
  readonly heading: string | null;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly title: string;
  readonly groups: readonly Group[];
}

export const width = 860;
const margin = 20;
const labels = 270;
const values = 110;
const bar = { height: 14, gap: 5 } as const;
const groupGap = 9;
const titleHeight = 30;
const chartGap = 24;

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const round = (value: number): number => Math.round(value * 10) / 10;

interface Placed {
  readonly svg: string;
  readonly height: number;
}

export function drawChart({ title, groups }: Chart, top: number): Placed {
  const bars = groups.flatMap((group) => group.bars);
  const longest = Math.max(...bars.map(({ value, goal }) => Math.max(value, goal ?? 0)));
  const scale = (width - 2 * margin - labels - values) / longest;
  const left = margin + labels;
  const parts = [`<text class="title" x="${margin}" y="${top + 16}">${escape(title)}</text>`];
  let y = top + titleHeight;
  for (const { heading, bars: members } of groups) {
    if (heading !== null) {
      parts.push(`<text class="heading" x="${margin}" y="${y + 11}">${escape(heading)}</text>`);
    }
    for (const one of members) {
      parts.push(...drawBar(one, { left, y, scale }));
      y += bar.height + bar.gap;
    }
    y += heading === null ? 0 : groupGap;
  }
  return { svg: parts.join("\n"), height: y - top + chartGap };
}

function drawBar(
  { label, value, text, series, goal }: Bar,
  { left, y, scale }: { readonly left: number; readonly y: number; readonly scale: number },
): readonly string[] {
  const baseline = y + 11;
  const length = Math.max(value * scale, 1);
  const mark = goal === undefined ? null : round(left + goal * scale);
  const end = Math.max(left + length, mark ?? 0);
  return [
    `<text class="label" x="${left - 8}" y="${baseline}">${escape(label)}</text>`,
    `<rect class="${series}" x="${left}" y="${y}" width="${round(length)}" height="${bar.height}" rx="2"/>`,
    ...(mark === null ? [] : [`<path class="goal" d="M${mark} ${y - 2}v${bar.height + 4}"/>`]),
    `<text class="value" x="${round(end) + 6}" y="${baseline}">${escape(text)}</text>`,
  ];
}
