/** The audit file: appended to, and moved aside (`.1` is the newest) before it grows too big. */
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { WriteBatch } from "./sink.ts";

export interface FileLimits {
  readonly maxBytes: number;
  /** Files kept besides the one that is written. */
  readonly keep: number;
}

/** At most 50 MiB, whatever happens: the volume in the pod has a limit, too. */
export const defaultFileLimits: FileLimits = { maxBytes: 10 * 1024 * 1024, keep: 4 };

export interface AuditFile {
  readonly writeBatch: WriteBatch;
  close(): Promise<void>;
}

async function rotate(path: string, keep: number): Promise<void> {
  for (let i = keep; i >= 1; i -= 1) {
    const from = i === 1 ? path : `${path}.${i - 1}`;
    try {
      await rename(from, `${path}.${i}`);
    } catch (error) {
      const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!missing) throw error;
    }
  }
}

/** Fails when the file cannot be opened: better at start than at the first record. */
export async function openAuditFile(
  path: string,
  { maxBytes, keep }: FileLimits = defaultFileLimits,
): Promise<AuditFile> {
  await mkdir(dirname(path), { recursive: true });
  let handle: FileHandle = await open(path, "a", 0o640);
  let size = (await handle.stat()).size;
  return {
    writeBatch: async (batch) => {
      const bytes = Buffer.from(batch);
      if (size > 0 && size + bytes.length > maxBytes) {
        await handle.close();
        await rotate(path, keep);
        handle = await open(path, "a", 0o640);
        size = (await handle.stat()).size;
      }
      await handle.appendFile(bytes);
      size += bytes.length;
    },
    close: () => handle.close(),
  };
}
