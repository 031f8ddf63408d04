/**
 * `make bench-bridge`: a fleet that comes back to one bridge all at once, and how long a change of
 * policy takes to the last bouncer. Everything is on this machine: its cores are shared by the
 * bridge, the bouncers and a fake API server.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine } from "../machine.ts";
import { createCertificate } from "./bridge.ts";
import { measurePropagation } from "./propagate.ts";
import { measureReconnect } from "./reconnect.ts";
import { findExcess, formatTable } from "./report.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    /** Fewer bouncers; not written to the results. */
    short: { type: "boolean", default: false },
    program: { type: "string", default: here("../../../bridge/dist/main.mjs") },
    output: { type: "string", default: here("../../results/bridge.json") },
  },
});

const extent = values.short
  ? { bouncers: 200, bundleKiB: 100, simulated: 48, policies: 2, processes: 2, changes: 2 }
  : { bouncers: 2_000, bundleKiB: 100, simulated: 196, policies: 4, processes: 2, changes: 5 };

const round = (_key: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 1000) / 1000 : value;

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "bouncer-bench-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const program = resolve(values.program);
const certificate = createCertificate();
const common = { program, certificate, ...extent };
const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
tell(`${extent.bouncers} bouncers come back at once ...`);
const reconnect = await inFolder((folder) => measureReconnect({ ...common, folder }));
tell(`${extent.simulated + extent.policies} bouncers follow ${extent.changes} changes ...`);
const propagation = await inFolder((folder) => measurePropagation({ ...common, folder }));
const measured = { reconnect, propagation };
process.stdout.write(formatTable(measured));
if (!values.short) {
  const result = { date: new Date().toISOString().slice(0, 10), machine, ...measured };
  mkdirSync(dirname(values.output), { recursive: true });
  writeFileSync(values.output, `${JSON.stringify(result, round, 2)}\n`);
}
const excess = findExcess(measured);
for (const line of excess) tell(line);
process.exitCode = excess.length === 0 ? 0 : 1;
