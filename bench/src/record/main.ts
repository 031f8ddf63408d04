/**
 * What the record of a request costs: `node bench/src/record/main.ts`. With `--peer FOLDER`, the
 * sources of another bouncer are measured in turns with ours.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { full, measure, short, startVersion } from "./measure.ts";

const { values } = parseArgs({
  options: { short: { type: "boolean", default: false }, peer: { type: "string" } },
});

const ours = fileURLToPath(new URL("../../../bouncer/src", import.meta.url));
await using version = await startVersion("ours", ours);
await using peer = values.peer === undefined ? null : await startVersion("peer", values.peer);
const cells = await measure(
  peer === null ? [version] : [peer, version],
  values.short ? short : full,
);
process.stdout.write("request            part      version  us CPU   bytes\n");
for (const { kind, part, version: name, cpuUs, bytes } of cells) {
  const row = [kind.padEnd(18), part.padEnd(9), name.padEnd(7), cpuUs.toFixed(2).padStart(7)];
  process.stdout.write(`${row.join(" ")} ${bytes.toFixed(0).padStart(7)}\n`);
}
