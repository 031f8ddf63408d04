/** Files that a person named. */
import { readFile } from "node:fs/promises";
import { CommandFailure } from "./failure.ts";

export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`Cannot read "${path}": ${reason}`);
  }
}

export async function readText(path: string): Promise<string> {
  return Buffer.from(await readBytes(path)).toString();
}
