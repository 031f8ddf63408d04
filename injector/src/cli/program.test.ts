import { expect, test } from "vitest";
import { programName } from "./program.ts";

test.each([
  ["node and the bundle", ["/usr/bin/node", "/app/main.mjs"], "bouncer-injector"],
  ["the plugin", ["node", "/usr/local/bin/kubectl-bouncer"], "kubectl bouncer"],
  ["the plugin with an ending", ["node", "/opt/kubectl-bouncer.mjs"], "kubectl bouncer"],
  ["the plugin on Windows", ["node", "C:\\bin\\kubectl-bouncer.exe"], "kubectl bouncer"],
  ["a folder of that name", ["node", "/kubectl-bouncer/main.mjs"], "bouncer-injector"],
  ["another plugin", ["node", "/bin/kubectl-bouncers"], "bouncer-injector"],
])("%s", (_, paths, name) => {
  expect(programName(paths)).toBe(name);
});
