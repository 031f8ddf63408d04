/**
 * `make conformance`: OPA's own cases on our engine. Fails when a case fails that is not on the list
 * of those that cannot pass (known.json), and when fewer pass than did (recorded.json).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { type Case, readCases, readWasm, type SetName, setNames } from "./cases.ts";
import { evaluate } from "./evaluate.ts";
import { judge } from "./judge.ts";
import {
  compareWithRecord,
  formatFailures,
  formatTable,
  type Result,
  sortResults,
} from "./report.ts";

const help = `usage: conformance/run.sh [--set v1,v0,wasm] [--filter TEXT] [-v] [--summary FILE]
  --set      only these sets of cases
  --filter   only cases whose set, group or note contains the text ("v1/time")
  -v         known failures as well, and what each failing case asks
  --summary  file for the numbers of passed, failed and known cases, as JSON
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    set: { type: "string", default: setNames.join(",") },
    filter: { type: "string" },
    verbose: { type: "boolean", short: "v", default: false },
    summary: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const say = (text: string): void => {
  process.stdout.write(text);
};

function readJson<S extends v.GenericSchema>(name: string, schema: S): v.InferOutput<S> {
  const text = readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
  return v.parse(schema, JSON.parse(text));
}

function bySet<S extends v.GenericSchema>(
  value: S,
): v.StrictObjectSchema<Record<SetName, S>, undefined> {
  return v.strictObject({ v1: value, v0: value, wasm: value });
}

/** Each memory takes gigabytes of addresses, of which a process has no more than some thousand. */
const casesPerCollection = 50;

async function runCases(folder: string, cases: readonly Case[]): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const wanted of cases) {
    const complaint =
      wanted.refusal === undefined
        ? judge(wanted, await evaluate(wanted, readWasm(folder, wanted)))
        : `OPA does not compile it: ${wanted.refusal}`;
    results.push({ wanted, complaint });
    if (results.length % casesPerCollection === 0) globalThis.gc?.();
  }
  return results;
}

async function main(folder: string): Promise<boolean> {
  const { filter = "" } = values;
  const wanted = v.parse(v.array(v.picklist(setNames)), values.set.split(","));
  const cases = wanted
    .flatMap((set) => readCases(folder, set))
    .filter(({ set, group, note }) => `${set}/${group}/${note}`.includes(filter));
  const start = performance.now();
  const results = await runCases(folder, cases);
  const sorted = sortResults(
    results,
    readJson("known.json", bySet(v.record(v.string(), v.string()))),
  );
  const { worse, better } =
    filter === ""
      ? compareWithRecord(results, readJson("recorded.json", bySet(v.number())))
      : { worse: [], better: [] };
  say(formatTable(results));
  if (values.verbose) say(formatFailures("known to fail", sorted.known));
  say(formatFailures("failed", sorted.failed));
  say(formatFailures("pass, though known.json says that they cannot", sorted.surprising));
  for (const line of worse) say(`\nfewer than before: ${line}`);
  for (const line of better) say(`\nmore than before, raise conformance/recorded.json: ${line}`);
  const [passed, failed, known] = [sorted.passed, sorted.failed, sorted.known].map(
    ({ length }) => length,
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`\n${passed} passed, ${failed} failed, ${known} known to fail (${seconds} s)\n`);
  if (values.summary !== undefined) {
    const summary = { numPassedTests: passed, numFailedTests: failed, numKnownTests: known };
    writeFileSync(values.summary, JSON.stringify(summary));
  }
  return sorted.failed.length === 0 && worse.length === 0;
}

const [folder] = positionals;
if (values.help || folder === undefined) say(help);
else if (!(await main(folder))) process.exitCode = 1;
