/** What `explain` is asked about, as it is written: `web-0`, `deployment/web`, `deployment web`. Pure. */
import { UseError } from "../failure.ts";

const table = {
  pod: ["po", "pods"],
  deployment: ["deploy", "deployments"],
  statefulset: ["sts", "statefulsets"],
  daemonset: ["ds", "daemonsets"],
  replicaset: ["rs", "replicasets"],
  replicationcontroller: ["rc", "replicationcontrollers"],
  job: ["jobs"],
  cronjob: ["cj", "cronjobs"],
} as const;

export type TargetKind = keyof typeof table;

const shortNames: Readonly<Record<TargetKind, readonly string[]>> = table;
const isKind = (name: string): name is TargetKind => Object.hasOwn(table, name);

export interface TargetName {
  readonly kind: TargetKind;
  readonly name: string;
}

export function parseTarget(positionals: readonly string[]): TargetName {
  const [first = "", second, ...more] = positionals;
  if (more.length > 0) throw new UseError(`unexpected argument "${more.join(" ")}"`);
  const slash = first.indexOf("/");
  if (slash === -1 && second === undefined) return { kind: "pod", name: first };
  const name = slash === -1 ? second : first.slice(slash + 1);
  const kind = kindOf(slash === -1 ? first : first.slice(0, slash));
  if (name === undefined || name === "") throw new UseError(`the name in "${first}" is missing`);
  if (slash !== -1 && second !== undefined) throw new UseError(`unexpected argument "${second}"`);
  return { kind, name };
}

/** `deployments.apps` is a deployment too. */
function kindOf(text: string): TargetKind {
  const asked = text.toLowerCase().split(".")[0] ?? "";
  const names = Object.keys(shortNames).filter(isKind);
  const kind = names.find((one) => one === asked || shortNames[one].includes(asked));
  if (kind !== undefined) return kind;
  throw new UseError(`kind "${text}" is not one of ${names.join(", ")}`);
}
