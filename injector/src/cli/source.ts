/** Files that commands read: manifests, and the settings as the chart writes them. */
import { messageOf } from "../errors.ts";
import { parseSettings, type Settings } from "../settings.ts";
import type { CommandLineDeps } from "./deps.ts";
import { type Document, readDocuments } from "./documents.ts";
import { InputError } from "./failure.ts";

/** `-` is standard input. */
export const sourceName = (file: string): string => (file === "-" ? "standard input" : file);

export async function readManifest(
  file: string,
  deps: CommandLineDeps,
): Promise<readonly Document[]> {
  const read = readDocuments(await readText(file, deps));
  if (read.ok) return read.documents;
  throw new InputError(read.problems.map((problem) => `${sourceName(file)}: ${problem}`));
}

/** Without a file: all defaults. */
export async function readSettings(file: string | null, deps: CommandLineDeps): Promise<Settings> {
  const read = readDocuments(file === null ? "" : await readText(file, deps));
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${file}: ${problem}`));
  const [document, ...more] = read.documents.filter(({ value }) => value !== null);
  if (more.length > 0) throw new InputError([`${file}: more than one document, accepted is one`]);
  const parsed = parseSettings(document?.value);
  if (!parsed.ok) throw new InputError(parsed.problems.map((problem) => `${file}: ${problem}`));
  return parsed.settings;
}

async function readText(file: string, deps: CommandLineDeps): Promise<string> {
  try {
    const bytes = await (file === "-" ? deps.readStdin() : deps.readFile(file));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new InputError([`Cannot read "${file}": ${messageOf(error)}`]);
  }
}
