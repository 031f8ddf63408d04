/** What bundles are called, and where they lie. Pure. */
import { fileName } from "../contract.ts";

const defaultName = "policy.tar.gz";

/** The last segment of the URL that a bundle comes from: `policy.tar.gz`. */
export function bundleNameOf(url: URL | null): string {
  const name = url?.pathname.split("/").at(-1);
  return name === undefined || name === "" ? defaultName : name;
}

/** In `POLICY_PERSIST_DIRECTORY`, and but for the first in `POLICY_DIRECTORY`. */
export function persistedFile(name: string): string {
  return `${name}.bundle`;
}

/** In `POLICY_DIRECTORY`: that of the first is older than sets of bundles are. */
export function loadedFile(name: string, names: readonly string[]): string {
  return name === names[0] ? fileName.bundle : persistedFile(name);
}
