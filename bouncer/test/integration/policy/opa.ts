/** Real bundles for tests: Rego in, the bytes that the real `opa` makes out. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { extract, type Header, pack } from "tar-stream";

const run = promisify(execFile);

export async function opa(cwd: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await run("opa", args, { cwd })).stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new Error("opa is not on the PATH; run `make tools`", { cause: error });
    }
    throw error;
  }
}

export type Sources = Readonly<Record<string, string>>;

/** A directory with these files; removed by the returned function. */
export async function writeSources(sources: Sources): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "bouncer-policy-"));
  for (const [name, text] of Object.entries(sources)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** `opa build` of these sources; more arguments go to it. */
export async function buildBundle(
  sources: Sources,
  ...args: readonly string[]
): Promise<Uint8Array> {
  const directory = await writeSources(sources);
  try {
    const mode = ["-b", "-t", "wasm", "-e", "envoy/authz/allow"];
    await opa(directory, "build", ...mode, ...args, "-o", "out.tar.gz", "--ignore", "key*", ".");
    return await readFile(join(directory, "out.tar.gz"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

export const manifest = (fields: object): string => JSON.stringify({ revision: "r1", ...fields });

/** Allows GET only; `data.extra` makes another bundle of it. */
export function simpleSources(extra = "one"): Sources {
  return {
    "authz.rego": `package envoy.authz
default allow := false
allow if input.attributes.request.http.method == "GET"
extra := data.extra`,
    "data.json": JSON.stringify({ extra }),
    ".manifest": manifest({ revision: extra }),
  };
}

export interface Entry {
  readonly header: Readonly<Pick<Header, "name"> & Partial<Pick<Header, "type" | "linkname">>>;
  readonly body: Buffer;
}

/** Takes a bundle apart and puts it together again, changed. */
export async function changeBundle(
  bundle: Uint8Array,
  change: (entries: Entry[]) => readonly Entry[],
): Promise<Uint8Array> {
  const entries: Entry[] = [];
  const archive = extract();
  archive.end(gunzipSync(bundle));
  for await (const entry of archive) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    entries.push({ header: entry.header, body: Buffer.concat(chunks) });
  }
  return await packEntries(change(entries));
}

export async function packEntries(entries: readonly Entry[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { header, body } of entries) {
    const { name, type = "file", linkname } = header;
    if (type === "file") archive.entry({ name, type }, body);
    else
      archive.entry(
        linkname === undefined || linkname === null ? { name, type } : { name, type, linkname },
      );
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
