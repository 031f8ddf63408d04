/**
 * The object that people know: the Deployment of a ReplicaSet, the CronJob of a Job. Asked for by
 * metadata alone and remembered, since an object does not change its owner.
 */
import type { ObjectReference } from "./event.ts";

export interface OwnersDeps {
  /** The controller of an object; null when it has none or is not there. */
  readonly readController: (about: ObjectReference) => Promise<ObjectReference | null>;
  readonly onError: (error: unknown) => void;
}

export type FindTopOwner = (about: ObjectReference) => Promise<ObjectReference>;

const maxOwners = 2000;

/** Never rejects: an owner that cannot be asked for counts as the top. */
export function createOwners({ readController, onError }: OwnersDeps): FindTopOwner {
  const known = new Map<string, ObjectReference>();
  return async (about) => {
    if (about.uid === null || !isBetween(about)) return about;
    const remembered = known.get(about.uid);
    if (remembered !== undefined) return remembered;
    try {
      const top = (await readController(about)) ?? about;
      known.set(about.uid, top);
      const [oldest] = known.keys();
      if (known.size > maxOwners && oldest !== undefined) known.delete(oldest);
      return top;
    } catch (error) {
      onError(error);
      return about;
    }
  };
}

/** Made by another object as a rule. */
function isBetween({ apiVersion, kind }: ObjectReference): boolean {
  const [group] = apiVersion.split("/");
  return (group === "apps" && kind === "ReplicaSet") || (group === "batch" && kind === "Job");
}
