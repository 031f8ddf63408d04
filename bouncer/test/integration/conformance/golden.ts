/** What others made of the rows when they were last run, and with which version. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Outcomes } from "./row.ts";

export interface Golden {
  readonly version: string;
  /** How it differs, by row; rows that are not here came out as they say. */
  readonly differs: Readonly<Record<string, string>>;
  /** Rows that it was not asked: it has no such setting. */
  readonly unasked: readonly string[];
}

export const goldenNames = ["reference", "haproxy", "nginx", "envoy"] as const;
export type GoldenName = (typeof goldenNames)[number];

/** What the page calls them. */
export const titles: Readonly<Record<GoldenName, string>> = {
  reference: "node:http + undici",
  haproxy: "HAProxy",
  nginx: "nginx",
  envoy: "Envoy",
};

export function goldenFile(name: GoldenName): string {
  return fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));
}

/** null: it was never run. */
export function readGolden(name: GoldenName): Golden | null {
  try {
    return JSON.parse(readFileSync(goldenFile(name), "utf8")) as Golden;
  } catch {
    return null;
  }
}

export function formatGolden(
  version: string,
  names: readonly string[],
  outcomes: Outcomes,
): string {
  const differs: Record<string, string> = {};
  const unasked: string[] = [];
  for (const name of names) {
    const outcome = outcomes.get(name);
    if (outcome === undefined) unasked.push(name);
    else if (outcome !== null) differs[name] = outcome;
  }
  return `${JSON.stringify({ version, differs, unasked }, null, 2)}\n`;
}
