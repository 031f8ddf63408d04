/**
 * `make bench-footprint`: what a bouncer takes of memory when it is idle, alone and as one of several
 * on a node, and how long it takes from the start of the process to the first request that is decided
 * and answered; beside Node with nothing in it.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatJson } from "../injector/report.ts";
import { machine } from "../machine.ts";
import { measure } from "./measure.ts";
import { findExcess, formatTable, summarizeAll } from "./report.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    /** One round; not written to the results. */
    short: { type: "boolean", default: false },
    node: { type: "string", default: process.execPath },
    program: { type: "string", default: here("../../../bouncer/dist/main.mjs") },
    /** Of Node; by default those of the image. */
    flags: { type: "string" },
    /** `NAME=VALUE`, by default those of the image. */
    env: { type: "string", multiple: true },
    output: { type: "string", default: here("../../results/footprint.json") },
  },
});

const dockerfile = readFileSync(here("../../../bouncer/Dockerfile"), "utf8");

/** What is measured is what is shipped. */
function readFlags(): readonly string[] {
  const [, entrypoint = "[]"] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  const words: unknown = JSON.parse(entrypoint);
  return Array.isArray(words) ? words.map(String).slice(1, -1) : [];
}

const flags = values.flags === undefined ? readFlags() : values.flags.split(" ").filter(Boolean);

function readEnvironment(): Readonly<Record<string, string>> {
  const [, line = ""] = /^ENV (MALLOC.*)$/m.exec(dockerfile) ?? [];
  const assignments = values.env ?? line.split(" ").filter(Boolean);
  const pairs = assignments.map((assignment): [string, string] => {
    const [name = "", value = ""] = assignment.split(/=(.*)/s);
    return [name, value];
  });
  return Object.fromEntries(pairs);
}

// After five seconds without requests, a bouncer gives back what its start took.
const extent = { rounds: values.short ? 1 : 5, copies: 10, idleSeconds: 11 };
const program = {
  node: values.node,
  flags,
  file: resolve(values.program),
  environment: readEnvironment(),
};
const rounds = await measure(program, extent, (line) => {
  process.stderr.write(`${line}\n`);
});
const rows = summarizeAll(rounds);
process.stdout.write(formatTable(rows));
if (!values.short) {
  const result = { date: new Date().toISOString().slice(0, 10), machine, flags, extent, rows };
  mkdirSync(dirname(values.output), { recursive: true });
  writeFileSync(values.output, formatJson(result));
}
const excess = findExcess(rows);
for (const line of excess) process.stderr.write(`${line}\n`);
process.exitCode = excess.length === 0 ? 0 : 1;
