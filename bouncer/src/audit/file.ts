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
  limits: FileLimits = defaultFileLimits,
): Promise<AuditFile> {
  await mkdir(dirname(path), { recursive: true });
  const file = new AppendedFile(path, limits);
  await file.open();
  return file;
}

class AppendedFile implements AuditFile {
  readonly #path: string;
  readonly #limits: FileLimits;
  /** null: it could not be opened again after it was moved aside; the next batch tries. */
  #handle: FileHandle | null = null;
  #size = 0;

  constructor(path: string, limits: FileLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  async open(): Promise<FileHandle> {
    const handle = await open(this.#path, "a", 0o640);
    this.#handle = handle;
    this.#size = (await handle.stat()).size;
    return handle;
  }

  readonly writeBatch = async (batch: string): Promise<void> => {
    const bytes = Buffer.from(batch);
    const { maxBytes, keep } = this.#limits;
    let handle = this.#handle ?? (await this.open());
    if (this.#size > 0 && this.#size + bytes.length > maxBytes) {
      await this.close();
      await rotate(this.#path, keep);
      handle = await this.open();
    }
    try {
      await handle.appendFile(bytes);
    } catch (error) {
      // A disk that is full takes the first part: half a line would spoil the next one, too.
      await handle.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += bytes.length;
  };

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }
}
