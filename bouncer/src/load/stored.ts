/**
 * Bundles in files: what `bouncer load` left, and what was active when the process ended. Whatever
 * is read is taken as if it had come from anywhere: it is verified in full before it is used.
 */
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type BundleRequirements, hashBundle } from "../bundle/bundle.ts";
import { loadedFile, persistedFile } from "../bundle/name.ts";
import { checkMembers } from "../bundle/set.ts";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { replaceFile } from "./replace.ts";

export interface StoredBundle {
  readonly name: string;
  /** By `bouncer load`, not by a process that ended. */
  readonly isLoaded: boolean;
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
  /** From its manifest; null when it is not declared. */
  readonly serial: number | null;
}

/** A bundle that cannot be used, for people; others may be found in its place. */
export type OnRefused = (error: AppError) => void;

/** The usable ones of this name, the newest first. */
export async function findStored(
  config: Config,
  name: string,
  { names, requirements, onRefused }: StoredOptions,
): Promise<readonly StoredBundle[]> {
  const kept = config.policyPersistDirectory;
  const places = [
    { path: join(config.policyDirectory, loadedFile(name, names)), isLoaded: true },
    ...(kept === null ? [] : [{ path: join(kept, persistedFile(name)), isLoaded: false }]),
  ];
  const found: StoredBundle[] = [];
  for (const { path, isLoaded } of places) {
    try {
      const file = await readBundle(path, requirements.limits.compressedBytes);
      if (file === null) continue;
      const snapshot = { name, bytes: file.bytes, deltas: [] };
      const [identity] = await checkMembers([snapshot], requirements);
      found.push({ name, isLoaded, ...file, serial: identity?.serial ?? null });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      onRefused(new AppError(error.code, `${error.message}, in "${path}"`, { cause: error }));
    }
  }
  return found.toSorted(compareAge);
}

export interface StoredOptions {
  /** Of all bundles of the set. */
  readonly names: readonly string[];
  readonly requirements: BundleRequirements;
  readonly onRefused: OnRefused;
}

interface File {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** null when there is none. */
async function readBundle(path: string, maxBytes: number): Promise<File | null> {
  try {
    const { mtimeMs, size } = await stat(path);
    if (size > maxBytes) {
      throw new AppError(
        "bundle_invalid",
        `Cannot read bundle: it is larger than ${maxBytes} bytes`,
      );
    }
    return { bytes: await readFile(path), modifiedMs: mtimeMs };
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (isMissing(error)) return null;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError("bundle_not_found", `Cannot read bundle: ${reason}`, { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** What bundles say of their age counts more than when they were written here. */
function compareAge(one: StoredBundle, other: StoredBundle): number {
  const bySerial = one.serial === null || other.serial === null ? 0 : other.serial - one.serial;
  return bySerial === 0 ? other.modifiedMs - one.modifiedMs : bySerial;
}

export interface Keeper {
  /** Does not wait for the disk; failures are told, and keep nothing from being enforced. */
  keep(name: string, bytes: Uint8Array): void;
  /** Resolves when all is written. */
  settled(): Promise<void>;
}

/** Keeps the last active bundles, when it is configured where. */
export function createKeeper(
  directory: string | null,
  onFailure: (error: AppError) => void,
): Keeper {
  const kept = new Map<string, string>();
  let writing: Promise<void> = Promise.resolve();

  async function write(path: string, bytes: Uint8Array): Promise<void> {
    const sha256 = hashBundle(bytes);
    if (kept.get(path) === sha256) return;
    try {
      if (directory !== null) await mkdir(directory, { recursive: true });
      await replaceFile(path, bytes);
      kept.set(path, sha256);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      onFailure(
        error instanceof AppError
          ? error
          : new AppError("bundle_unwritable", `Cannot store bundle "${path}": ${reason}`),
      );
    }
  }

  return {
    keep(name, bytes) {
      if (directory === null) return;
      const path = join(directory, persistedFile(name));
      writing = writing.then(() => write(path, bytes));
    },
    settled: () => writing,
  };
}

/** What takes bundles, as the policy that runs does. */
export interface Target {
  activate(bytes: Uint8Array, name: string): Promise<unknown>;
  /** All bundles are there, and enforced. */
  isComplete(): boolean;
}

/**
 * Gives what is stored to the policy: of each bundle the newest that it takes; when these do not go
 * together, what `bouncer load` left. Answers with the last thing that went wrong when there is no
 * policy then, else with null.
 */
export async function restore(
  config: Config,
  target: Target,
  options: StoredOptions,
): Promise<AppError | null> {
  let last: AppError | null = null;
  const complain = (error: AppError): void => {
    last = error;
    options.onRefused(error);
  };
  const offer = async ({ name, bytes }: StoredBundle): Promise<boolean> => {
    try {
      await target.activate(bytes, name);
      return true;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      complain(error);
      return false;
    }
  };
  const loaded: StoredBundle[] = [];
  for (const name of options.names) {
    const found = await findStored(config, name, { ...options, onRefused: complain });
    if (found.length === 0) {
      const path = join(config.policyDirectory, loadedFile(name, options.names));
      last ??= new AppError("bundle_not_found", `Cannot read bundle "${path}"`);
    }
    loaded.push(...found.filter(({ isLoaded }) => isLoaded));
    for (const stored of found) if (await offer(stored)) break;
  }
  if (!target.isComplete() && options.names.length > 1) {
    for (const stored of loaded) await offer(stored);
  }
  return target.isComplete() ? null : last;
}
