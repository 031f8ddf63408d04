/** Bundles for tests: gzip-compressed tar archives, made in memory. */
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

export async function packBundle(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return gzipSync(await buffer(archive));
}

/** A bundle as `opa build` makes it, as far as the bridge looks. */
export function packRevision(revision: string): Promise<Buffer> {
  return packBundle({ "/.manifest": JSON.stringify({ revision }), "/data.json": "{}" });
}
