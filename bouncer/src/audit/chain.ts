/**
 * A chain of records: each carries its number, the hash of the one before and its own, so that a
 * record that was changed, removed or moved shows. The hash is SHA-256 over the line without its
 * last member: `<line up to ',"hash":'>}`.
 */
import { hash } from "node:crypto";

export interface Chain {
  /** From the members of a record, `{` included, to the next line, without line end. */
  append(members: string): string;
}

export function createChain(): Chain {
  let sequence = 0;
  let previous = "";
  return {
    append: (members) => {
      sequence += 1;
      const text = `${members},"sequence":${sequence},"previous_hash":"${previous}"}`;
      previous = hash("sha256", text);
      return `${text.slice(0, -1)},"hash":"${previous}"}`;
    },
  };
}
