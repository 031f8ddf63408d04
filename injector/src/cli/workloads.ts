/** Where pods are in the objects of a manifest: every workload kind, and lists of them. */

/** Path to the pod template by `group/kind`; a Pod is its own. Versions do not matter. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  "/Pod": [],
  "/ReplicationController": ["spec", "template"],
  "apps/Deployment": ["spec", "template"],
  "apps/ReplicaSet": ["spec", "template"],
  "apps/StatefulSet": ["spec", "template"],
  "apps/DaemonSet": ["spec", "template"],
  "batch/Job": ["spec", "template"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
};

export interface Workload {
  /** `deployment/web`. */
  readonly title: string;
  /** Null: it says none. */
  readonly namespace: string | null;
  /** Path of the template in the object: `spec.template`. */
  readonly path: string;
}

/** What becomes of one pod or template; null: it stays. */
export type Change = (template: unknown, workload: Workload) => unknown;

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object with every pod in it changed; the very same value when nothing changes. */
export function changeWorkloads(value: unknown, change: Change): unknown {
  if (!isObject(value)) return value;
  const group = groupOf(value);
  if (group === "" && value["kind"] === "List") return changeList(value, change);
  const path = templatePaths[`${group}/${String(value["kind"])}`];
  if (path === undefined) return value;
  const workload = { ...describe(value), path: path.join(".") };
  const template = path.reduce<unknown>(
    (current, key) => (isObject(current) ? current[key] : undefined),
    value,
  );
  const changed = change(template, workload);
  return changed === null ? value : setAt(value, path, changed);
}

function changeList(list: JsonObject, change: Change): JsonObject {
  const items = list["items"];
  if (!Array.isArray(items)) return list;
  const changed = items.map((item: unknown) => changeWorkloads(item, change));
  return changed.every((item, index) => item === items[index]) ? list : { ...list, items: changed };
}

function groupOf({ apiVersion }: JsonObject): string | null {
  if (typeof apiVersion !== "string") return null;
  const slash = apiVersion.indexOf("/");
  const group = slash === -1 ? "" : apiVersion.slice(0, slash);
  return group === "extensions" ? "apps" : group;
}

function describe({ kind, metadata }: JsonObject): Pick<Workload, "title" | "namespace"> {
  const { name, generateName, namespace } = isObject(metadata) ? metadata : {};
  const title = [name, generateName].find((value) => typeof value === "string") ?? "without a name";
  return {
    title: `${String(kind).toLowerCase()}/${title}`,
    namespace: typeof namespace === "string" && namespace !== "" ? namespace : null,
  };
}

function setAt(value: unknown, path: readonly string[], item: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined || !isObject(value)) return item;
  return { ...value, [key]: setAt(value[key], rest, item) };
}
