/**
 * How many processors the container was given, from what the kernel says of its control group
 * (cgroups(7)), and how many threads carry requests on them. Pure: files are read by who is asked.
 */

/** The text of a file; null: there is none. */
export type ReadText = (path: string) => string | null;

const root = "/sys/fs/cgroup";
/** Where the controller of version 1 is mounted, by the names that distributions give it. */
const firstRoots = [`${root}/cpu`, `${root}/cpu,cpuacct`, `${root}/cpuacct,cpu`] as const;

/** In processors: that of the group itself or of one above it, whichever is the smallest. */
export function findCpuLimit(read: ReadText): number | null {
  const groups = parseGroups(read("/proc/self/cgroup") ?? "");
  const second = chainOf(groups.second).map((group) => readSecond(read, `${root}${group}`));
  const first = chainOf(groups.first).flatMap((group) =>
    firstRoots.map((mount) => readFirst(read, `${mount}${group}`)),
  );
  const limits = [...second, ...first].filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

/**
 * `available`: processors that the process may run on. Without a limit a sidecar is one thread: the
 * machine is there for many pods.
 */
export function countThreads(
  setting: number | "auto",
  limit: number | null,
  available: number,
): number {
  if (setting !== "auto") return setting;
  return Math.max(1, Math.min(Math.floor(limit ?? 1), available, 64));
}

/** `hierarchy:controllers:path`, each on its line; version 2 has number 0 and no controllers. */
function parseGroups(text: string): { readonly first: string; readonly second: string } {
  let [first, second] = ["", ""];
  for (const line of text.split("\n")) {
    const [hierarchy, controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (hierarchy === "0" && controllers === "") second = path;
    else if (controllers.split(",").includes("cpu")) first = path;
  }
  return { first, second };
}

/** The group and all above it: in a container, that of the machine may be named, but is not there. */
function chainOf(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return [...parts.keys(), parts.length].map((length) =>
    parts
      .slice(0, length)
      .map((part) => `/${part}`)
      .join(""),
  );
}

/** `max 100000`, or `150000 100000`: so many microseconds in each period. */
function readSecond(read: ReadText, folder: string): number | null {
  const [quota = "", period = ""] = (read(`${folder}/cpu.max`) ?? "").trim().split(/\s+/u);
  return divide(quota, period);
}

/** A quota of -1 is none. */
function readFirst(read: ReadText, folder: string): number | null {
  const quota = read(`${folder}/cpu.cfs_quota_us`);
  return quota === null ? null : divide(quota, read(`${folder}/cpu.cfs_period_us`) ?? "");
}

function divide(quota: string, period: string): number | null {
  const limit = Number.parseInt(quota, 10) / Number.parseInt(period, 10);
  return Number.isFinite(limit) && limit > 0 ? limit : null;
}
