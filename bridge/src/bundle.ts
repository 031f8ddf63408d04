/**
 * Reads what the bridge must know of a bundle: that the archive is whole, and the revision in its
 * manifest. Tolerant of everything else, since a bouncer verifies what it activates.
 */
import { createHash } from "node:crypto";
import { Readable, Transform, type TransformCallback } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Extract } from "tar-stream";
import * as v from "valibot";
import { BridgeError, messageOf } from "./errors.ts";

export interface Bundle {
  /** File name: `policy.tar.gz`. */
  readonly name: string;
  /** From the manifest; empty when it has none. */
  readonly revision: string;
  readonly sha256: string;
  readonly bytes: Buffer;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,245}\.tar\.gz$/;
/** What a bundle unpacks to, against the size limit: more is a bomb, not a policy. */
export const maxExpansion = 16;

export function isBundleName(name: string): boolean {
  return namePattern.test(name);
}

const maxManifestBytes = 1024 * 1024;
const maxRevisionLength = 256;

const manifestSchema = v.object({ revision: v.optional(v.string(), "") });

/** @throws BridgeError `bundle_broken` or `bundle_too_large` */
export async function readBundle(
  name: string,
  bytes: Buffer,
  maxUnpackedBytes: number,
): Promise<Bundle> {
  const manifest = await readManifest(name, bytes, maxUnpackedBytes);
  return {
    name,
    revision: manifest === null ? "" : parseRevision(name, manifest),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes,
  };
}

async function readManifest(name: string, bytes: Buffer, limit: number): Promise<string | null> {
  const archive = extract();
  const found = collectManifest(name, archive);
  try {
    const [manifest] = await Promise.all([
      found,
      pipeline(Readable.from([bytes]), createGunzip(), byteLimit(name, limit), archive),
    ]);
    return manifest;
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new BridgeError(
      "bundle_broken",
      `Cannot read bundle "${name}": it is not a complete gzip-compressed tar archive (${messageOf(error)})`,
      error,
    );
  }
}

/** Goes through the whole archive, so that a cut-off one is noticed. */
async function collectManifest(name: string, archive: Extract): Promise<string | null> {
  let manifest: string | null = null;
  let files = 0;
  for await (const entry of archive) {
    if (entry.header.type === "file") files += 1;
    if (entry.header.name.replace(/^(\.?\/)+/, "") === ".manifest") {
      if ((entry.header.size ?? 0) > maxManifestBytes) {
        throw new BridgeError(
          "bundle_too_large",
          `Cannot read bundle "${name}": its manifest is above ${maxManifestBytes} bytes`,
        );
      }
      manifest = await text(Readable.from(entry));
    } else {
      entry.resume();
    }
  }
  if (files === 0)
    throw new BridgeError("bundle_broken", `Cannot read bundle "${name}": it has no files`);
  return manifest;
}

function byteLimit(name: string, limit: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      seen += chunk.length;
      if (seen <= limit) done(null, chunk);
      else
        done(
          new BridgeError(
            "bundle_too_large",
            `Cannot read bundle "${name}": it unpacks to more than ${limit} bytes`,
          ),
        );
    },
  });
}

function parseRevision(name: string, manifest: string): string {
  let json: unknown;
  try {
    json = JSON.parse(manifest);
  } catch (error) {
    throw new BridgeError(
      "bundle_broken",
      `Cannot read bundle "${name}": its manifest is not JSON`,
      error,
    );
  }
  const parsed = v.safeParse(manifestSchema, json);
  if (!parsed.success) {
    throw new BridgeError(
      "bundle_broken",
      `Cannot read bundle "${name}": the revision in its manifest is not text`,
    );
  }
  return parsed.output.revision.slice(0, maxRevisionLength);
}
