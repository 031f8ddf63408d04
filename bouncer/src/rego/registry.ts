/**
 * Every built-in function that policies may call here, by the file that has it. Of these files only
 * those are loaded that a policy needs: most need few, and some bring a library along.
 */
import type { Builtin, Builtins } from "./builtin.ts";

interface Group {
  readonly names: readonly string[];
  readonly load: () => Promise<{ readonly builtins: Builtins }>;
}

export const groups: readonly Group[] = [
  {
    names: [
      "crypto.hmac.equal",
      "crypto.hmac.md5",
      "crypto.hmac.sha1",
      "crypto.hmac.sha256",
      "crypto.hmac.sha512",
      "crypto.md5",
      "crypto.sha1",
      "crypto.sha256",
    ],
    load: () => import("./builtins/hash.ts"),
  },
  {
    names: ["json.patch"],
    load: () => import("./builtins/patch.ts"),
  },
  {
    names: ["object.subset"],
    load: () => import("./builtins/subset.ts"),
  },
  {
    names: ["json.marshal_with_options"],
    load: () => import("./builtins/marshal.ts"),
  },
];

export interface Found {
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Names that no group has. */
  readonly missing: readonly string[];
}

export async function findBuiltins(names: readonly string[]): Promise<Found> {
  const wanted = groups.filter((group) => group.names.some((name) => names.includes(name)));
  const loaded = await Promise.all(wanted.map((group) => group.load()));
  const all = new Map(loaded.flatMap((group) => Object.entries(group.builtins)));
  return { builtins: all, missing: names.filter((name) => !all.has(name)) };
}
