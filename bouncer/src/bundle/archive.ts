/**
 * From the bytes of a bundle to its files, in memory: a gzip'd tar of which nothing is believed.
 * Nothing is ever written to where a name in the archive points.
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { AppError } from "../errors.ts";

const mebibyte = 1024 * 1024;

/** Data takes ten times its text in the evaluator, so these are far beyond what a sidecar holds. */
export const archiveLimits = {
  compressedBytes: 32 * mebibyte,
  unpackedBytes: 128 * mebibyte,
  files: 4096,
} as const;

export type Files = ReadonlyMap<string, Uint8Array>;

const unzip = promisify(gunzip);

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot unpack bundle: ${reason}`, { cause });
}

export async function unpack(bytes: Uint8Array): Promise<Files> {
  if (bytes.byteLength === 0) throw refuse("file is empty");
  if (bytes.byteLength > archiveLimits.compressedBytes) {
    throw refuse(`it is larger than ${archiveLimits.compressedBytes} bytes`);
  }
  return await readEntries(await decompress(bytes));
}

/** Stops at the limit while unzipping: a gzip bomb is never held. */
async function decompress(bytes: Uint8Array): Promise<Buffer> {
  try {
    return await unzip(bytes, { maxOutputLength: archiveLimits.unpackedBytes });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refuse(`it is not gzip, is cut off or unpacks to too much (${reason})`, error);
  }
}

async function readEntries(tar: Buffer): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  const archive = extract();
  archive.end(tar);
  try {
    for await (const entry of archive) {
      if (entry.header.type === "directory") {
        entry.resume();
        continue;
      }
      const name = checkName(entry.header);
      if (files.has(name)) throw refuse(`"${name}" is in it twice`);
      if (files.size >= archiveLimits.files) throw refuse("it has too many files");
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
      files.set(name, Buffer.concat(chunks));
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw refuse(`it is not a tar archive or is cut off (${reason})`, error);
  }
  if (files.size === 0) throw refuse("it has no files");
  return files;
}

/** The name without the leading `/` or `./` that OPA writes. */
function checkName(header: Header): string {
  const shown = JSON.stringify(header.name);
  if (header.type !== "file" && header.type !== "contiguous-file") {
    throw refuse(`${shown} is a ${header.type ?? "special file"}; only regular files are accepted`);
  }
  const segments = header.name.replace(/^(?:\.?\/)+/, "").split("/");
  const isPlain = segments.every((segment) => !["", ".", ".."].includes(segment));
  if (!isPlain || /[\0\\]/.test(header.name)) throw refuse(`${shown} is not a plain path`);
  return segments.join("/");
}
