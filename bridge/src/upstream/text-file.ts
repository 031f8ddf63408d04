/** A secret in a file that is renewed while the bridge runs: read on every use. */
import { readFile } from "node:fs/promises";
import { BridgeError, messageOf } from "../errors.ts";

export interface TextFile {
  /** @throws BridgeError `upstream_refused` */
  read(): Promise<string>;
}

export function createTextFile(path: string): TextFile {
  return {
    async read() {
      try {
        return (await readFile(path, "utf8")).trim();
      } catch (error) {
        const message = `Cannot read credentials "${path}": ${messageOf(error)}`;
        throw new BridgeError("upstream_refused", message, error);
      }
    },
  };
}
