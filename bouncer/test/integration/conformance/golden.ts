/** What others made of the rows when they were last run, and with which version. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { array, type InferOutput, object, parse, record, string } from "valibot";
import type { Outcomes } from "./row.ts";
import { rows } from "./rows.ts";

const goldenSchema = object({
  version: string(),
  /** How it differs, by row; rows that are not here came out as they say. */
  differs: record(string(), string()),
  /** Rows that it was not asked: it has no such setting. */
  unasked: array(string()),
});

export type Golden = Readonly<InferOutput<typeof goldenSchema>>;

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
    return parse(goldenSchema, JSON.parse(readFileSync(goldenFile(name), "utf8")));
  } catch {
    return null;
  }
}

/** Now so, now so: from one run to the next, with the same bytes. */
const unsteady: Readonly<Record<GoldenName, readonly string[]>> = {
  reference: [],
  haproxy: ["Trailers: of a request, malformed", "Trailers: of an answer, malformed"],
  nginx: [],
  envoy: [],
};

/** Envoy knows a client on the machine itself by the machine's address. */
function withoutAddress(outcome: string): string {
  return outcome.replaceAll(
    /\b(?!127\.|1\.2\.3\.4|5\.6\.7\.8)(?:\d{1,3}\.){3}\d{1,3}\b/g,
    "its own",
  );
}

interface Run {
  readonly name: GoldenName;
  readonly version: string;
  readonly outcomes: Outcomes;
}

export function formatGolden({ name, version, outcomes }: Run): string {
  const differs: Record<string, string> = {};
  const unasked: string[] = [];
  for (const row of rows) {
    const outcome = outcomes.get(row.name);
    if (outcome === undefined) unasked.push(row.name);
    else if (unsteady[name].includes(row.name)) differs[row.name] = "let through in some runs";
    else if (outcome !== null) differs[row.name] = withoutAddress(outcome);
  }
  return `${JSON.stringify({ version, differs, unasked }, null, 2)}\n`;
}
