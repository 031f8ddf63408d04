/**
 * `make bench-policy`: how long decisions take by the size of the data, beside opa's own evaluator
 * and server in the same run, and what requests notice when another bundle becomes active.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatJson } from "../injector/report.ts";
import { machine } from "../machine.ts";
import { full, measure, short } from "./measure.ts";
import { formatTable } from "./report.ts";

const { values } = parseArgs({
  options: {
    /** Half a minute; not written to the results. */
    short: { type: "boolean", default: false },
    output: {
      type: "string",
      default: fileURLToPath(new URL("../../results/policy.json", import.meta.url)),
    },
  },
});

const extent = values.short ? short : full;
const measured = await measure(extent, (line) => {
  process.stderr.write(`${line}\n`);
});
process.stdout.write(formatTable(measured));
if (!values.short) {
  const result = { date: new Date().toISOString().slice(0, 10), machine, extent, ...measured };
  mkdirSync(dirname(values.output), { recursive: true });
  writeFileSync(values.output, formatJson(result));
}
