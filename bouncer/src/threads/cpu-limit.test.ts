import { expect, test } from "vitest";
import { countThreads, findCpuLimit } from "./cpu-limit.ts";

const self = "/proc/self/cgroup";
const root = "/sys/fs/cgroup";

test.each<[string, Record<string, string>, number | null]>([
  ["no control groups", {}, null],
  ["version 2, no limit", { [self]: "0::/\n", [`${root}/cpu.max`]: "max 100000\n" }, null],
  ["version 2, in a container", { [self]: "0::/\n", [`${root}/cpu.max`]: "150000 100000\n" }, 1.5],
  [
    "version 2, a limit of the group above",
    {
      [self]: "0::/kubepods/pod1/a:b\n",
      [`${root}/kubepods/pod1/a:b/cpu.max`]: "400000 100000\n",
      [`${root}/kubepods/pod1/cpu.max`]: "200000 100000\n",
      [`${root}/kubepods/cpu.max`]: "max 100000\n",
    },
    2,
  ],
  [
    "version 2, the path of the machine seen in a container",
    { [self]: "0::/../../pod1/a\n", [`${root}/cpu.max`]: "300000 100000\n" },
    3,
  ],
  [
    "version 1",
    {
      [self]: "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/\n",
      [`${root}/cpu,cpuacct/docker/x/cpu.cfs_quota_us`]: "250000\n",
      [`${root}/cpu,cpuacct/docker/x/cpu.cfs_period_us`]: "100000\n",
    },
    2.5,
  ],
  [
    "version 1, the path of the machine seen in a container",
    {
      [self]: "3:cpuacct,cpu:/kubepods/pod1/x\n",
      [`${root}/cpu/cpu.cfs_quota_us`]: "50000\n",
      [`${root}/cpu/cpu.cfs_period_us`]: "100000\n",
    },
    0.5,
  ],
  [
    "version 1, no limit",
    {
      [self]: "1:cpu:/\n",
      [`${root}/cpu/cpu.cfs_quota_us`]: "-1\n",
      [`${root}/cpu/cpu.cfs_period_us`]: "100000\n",
    },
    null,
  ],
  ["what is no number", { [self]: "0::/\n", [`${root}/cpu.max`]: "much\n" }, null],
  ["a period of 0", { [self]: "0::/\n", [`${root}/cpu.max`]: "100000 0\n" }, null],
])("limit: %s", (_, files, limit) => {
  expect(findCpuLimit((path) => files[path] ?? null)).toBe(limit);
});

test.each<[number | "auto", number | null, number, number]>([
  ["auto", null, 8, 1],
  ["auto", 0.1, 8, 1],
  ["auto", 1, 8, 1],
  ["auto", 1.9, 8, 1],
  ["auto", 2, 8, 2],
  ["auto", 3.5, 8, 3],
  // A limit is no promise that the machine has as many, or that they are allowed.
  ["auto", 8, 4, 4],
  ["auto", 1000, 256, 64],
  [1, 8, 8, 1],
  [4, null, 2, 4],
])("threads: setting %s, limit %s, %i processors: %i", (setting, limit, available, threads) => {
  expect(countThreads(setting, limit, available)).toBe(threads);
});
