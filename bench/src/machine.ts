/** What a reader needs to compare, and nothing that names the machine. */
import { availableParallelism, cpus, totalmem } from "node:os";

export const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  platform: `${process.platform}/${process.arch}`,
  node: process.version,
};
