/** The programs that are measured and that measure, wherever they are on this machine. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const names = [
  ...(["haproxy", "nginx", "envoy", "wrk", "h2load"] as const),
  ...(["server", "generator", "adapter"] as const),
] as const;
type Name = (typeof names)[number];

export interface Peers {
  readonly programs: Readonly<Record<Name, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

const script = fileURLToPath(new URL("../../peers/install.sh", import.meta.url));

/** Installs what is missing. Throws with what to do where that cannot be done. */
export function findPeers(): Peers {
  const lines = execFileSync(script, names, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const rows = lines
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  const found = new Map(rows.map(([name = "", program = ""]) => [name, program]));
  const programs = Object.fromEntries(names.map((name) => [name, found.get(name) ?? ""]));
  const others = rows.filter(([name = ""]) => !["server", "generator", "adapter"].includes(name));
  const [opa = ""] = execFileSync("opa", ["version"], { encoding: "utf8" }).split("\n");
  return {
    programs: programs as Record<Name, string>,
    versions: {
      ...Object.fromEntries(others.map(([name = "", , version = ""]) => [name, version])),
      opa: opa.replace("Version: ", ""),
      node: process.versions.node,
    },
  };
}
