/**
 * `make bench-injector`: how long admissions take, how many there can be, what they cost. The built
 * program serves a fake API server's webhook on the loopback; the load comes from another process.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startGenerator } from "../load/start.ts";
import { machine } from "../machine.ts";
import { full, measure, short } from "./measure.ts";
import { formatJson, formatTable } from "./report.ts";
import { startServers } from "./servers.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    /** A minute instead of five; not written to the results. */
    short: { type: "boolean", default: false },
    program: { type: "string", default: here("../../../injector/dist/main.mjs") },
    output: { type: "string", default: here("../../results/injector.json") },
  },
});

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const extent = values.short ? short : full;
const servers = await startServers(resolve(values.program));
const generator = startGenerator();
try {
  const measured = await measure(servers, generator, extent, tell);
  process.stdout.write(formatTable(measured));
  if (!values.short) {
    const result = { date: new Date().toISOString().slice(0, 10), machine, extent, ...measured };
    mkdirSync(dirname(values.output), { recursive: true });
    writeFileSync(values.output, formatJson(result));
  }
} finally {
  generator.close();
  await servers.close();
}
