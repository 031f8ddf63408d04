/**
 * From the bytes of a bundle to its files, in memory: a gzip'd tar of which nothing is believed.
 * Nothing is ever written to where a name in the archive points.
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type Extract, extract, type Header } from "tar-stream";
import { AppError } from "../errors.ts";

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

const mebibyte = 1024 * 1024;

export interface ArchiveLimits {
  /** Of the bundle as fetched. */
  readonly compressedBytes: number;
  /** Of the archive that is in it, headers and padding included. */
  readonly unpackedBytes: number;
  readonly fileBytes: number;
  readonly files: number;
}

/** Data takes ten times its text in the evaluator, so these are far beyond what a sidecar holds. */
export const archiveLimits: ArchiveLimits = {
  compressedBytes: 32 * mebibyte,
  unpackedBytes: 128 * mebibyte,
  fileBytes: 64 * mebibyte,
  files: 4096,
};

export type Files = ReadonlyMap<string, Uint8Array>;

const unzip = promisify(gunzip);

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot unpack bundle: ${reason}`, { cause });
}

export async function unpack(bytes: Uint8Array, limits = archiveLimits): Promise<Files> {
  if (bytes.byteLength === 0) throw refuse("file is empty");
  if (bytes.byteLength > limits.compressedBytes) {
    throw refuse(`it is larger than ${limits.compressedBytes} bytes`);
  }
  const files = new Map<string, Uint8Array>();
  await walk(await decompress(bytes, limits), async (entry) => {
    const name = checkName(entry.header);
    const { size } = entry.header;
    if (size > limits.fileBytes) {
      throw refuse(`"${name}" has ${size} bytes, more than ${limits.fileBytes}`);
    }
    if (files.has(name)) throw refuse(`"${name}" is in it twice`);
    if (files.size >= limits.files) throw refuse(`it has more than ${limits.files} files`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const [only] = chunks;
    files.set(name, only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks));
  });
  if (files.size === 0) throw refuse("it has no files");
  return files;
}

/** A delta changes the data of the snapshot before it. Looks at names only. */
export async function isDelta(bytes: Uint8Array, limits = archiveLimits): Promise<boolean> {
  if (bytes.byteLength > limits.compressedBytes) return false;
  let found = false;
  await walk(await decompress(bytes, limits), async (entry) => {
    if (isPatch(entry.header.name)) found = true;
    entry.resume();
  });
  return found;
}

export function isPatch(name: string): boolean {
  return name === "patch.json" || name.endsWith("/patch.json");
}

/** Stops at the limit while unzipping: a gzip bomb is never held. */
async function decompress(bytes: Uint8Array, limits: ArchiveLimits): Promise<Buffer> {
  try {
    return await unzip(bytes, { maxOutputLength: limits.unpackedBytes });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refuse(`it is not gzip, is cut off or unpacks to too much (${reason})`, error);
  }
}

async function walk(tar: Buffer, visit: (entry: Entry) => Promise<void>): Promise<void> {
  const archive = extract();
  archive.end(tar);
  try {
    for await (const entry of archive) {
      if (entry.header.type === "directory") entry.resume();
      else await visit(entry);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw refuse(`it is not a tar archive or is cut off (${reason})`, error);
  }
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
