/** Reads a file whole, unless it is the one that was read before. */
import { open } from "node:fs/promises";
import { BridgeError, messageOf } from "./errors.ts";

export interface FileContent {
  readonly bytes: Buffer;
  /** Identity of the content, so that unchanged files are not read again. */
  readonly fingerprint: string;
}

/** What could not be read; with an empty fingerprint, it is worth looking again. */
export class FileProblem extends BridgeError {
  readonly fingerprint: string;

  constructor(error: BridgeError, fingerprint: string) {
    super(error.code, error.message, error.cause);
    this.fingerprint = fingerprint;
  }
}

export interface FileOptions {
  readonly path: string;
  /** For messages: `bundle "policy.tar.gz"`. */
  readonly what: string;
  readonly seen: string | undefined;
  readonly maxBytes: number;
}

/**
 * Null when the file is the one that was seen before.
 * @throws FileProblem
 */
export async function readChangedFile(options: FileOptions): Promise<FileContent | null> {
  const { path, what, seen, maxBytes } = options;
  let fingerprint = "";
  try {
    await using file = await open(path);
    const before = await file.stat({ bigint: true });
    fingerprint = identify(before);
    if (fingerprint === seen) return null;
    if (!before.isFile()) {
      throw new BridgeError("bundle_unreadable", `Cannot read ${what}: it is not a file`);
    }
    if (before.size > maxBytes) {
      throw new BridgeError(
        "bundle_too_large",
        `Cannot read ${what}: it has ${before.size} bytes, at most ${maxBytes} are served`,
      );
    }
    const bytes = Buffer.alloc(Number(before.size));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead !== bytes.length || identify(await file.stat({ bigint: true })) !== fingerprint) {
      // Not remembered as seen, so the next look reads it again.
      fingerprint = "";
      throw new BridgeError("bundle_unstable", `Cannot read ${what}: it changed while it was read`);
    }
    return { bytes, fingerprint };
  } catch (error) {
    const problem =
      error instanceof BridgeError
        ? error
        : new BridgeError("bundle_unreadable", `Cannot read ${what}: ${messageOf(error)}`, error);
    throw new FileProblem(problem, fingerprint);
  }
}

function identify(stat: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
