/** The files of a bundle as bytes again: the same files give the same bytes. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { pack } from "tar-stream";
import type { Files } from "../bundle/archive.ts";

const zip = promisify(gzip);

/** Names without a leading slash. Dated 1970, as OPA dates them. */
export async function packBundle(files: Files): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, bytes] of [...files].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    archive.entry({ name: `/${name}`, mtime: new Date(0), mode: 0o600 }, Buffer.from(bytes));
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return await zip(Buffer.concat(chunks));
}
