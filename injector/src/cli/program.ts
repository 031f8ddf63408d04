/** The name that the program was called by: kubectl finds plugins by theirs (`kubectl-bouncer`). */

export function programName(paths: readonly string[]): string {
  const names = paths.map((path) => path.split(/[\\/]/).at(-1) ?? "");
  const isPlugin = names.some((name) => /^kubectl-bouncer(\.\w+)?$/.test(name));
  return isPlugin ? "kubectl bouncer" : "bouncer-injector";
}
