import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const source = join(import.meta.dirname, "../../../src/cli/plugin/launch.sh");
const run = promisify(execFile);
let folder = "";
let launcher = "";

/** `node` is a program that says which version it is, and what it was told to run. */
async function putNode(version: string): Promise<string> {
  const bin = join(folder, `node-${version}`);
  await mkdir(bin);
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo "${version}" || echo "ran $*"\n`;
  await writeFile(join(bin, "node"), script, { mode: 0o755 });
  return bin;
}

/** Bash and what belongs to it, but no node. */
const system = "/usr/bin:/bin";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "launcher-"));
  launcher = join(folder, "kubectl-bouncer");
  await copyFile(source, launcher);
  await chmod(launcher, 0o755);
  const program = `console.log(process.argv[1].split("/").at(-1), process.argv.slice(2).join(" "));`;
  await writeFile(join(folder, "kubectl-bouncer.mjs"), program);
});
afterAll(() => rm(folder, { recursive: true }));

test("it runs the program beside it, by its name, with its arguments", async () => {
  const PATH = `${dirname(process.execPath)}:${system}`;
  const { stdout } = await run(launcher, ["explain", "web 1"], { env: { PATH } });
  expect(stdout).toBe("kubectl-bouncer.mjs explain web 1\n");
});

test("it is found through links", async () => {
  await mkdir(join(folder, "bin"));
  const link = join(folder, "bin/kubectl-bouncer");
  await symlink("../kubectl-bouncer", link);
  const PATH = `${dirname(process.execPath)}:${system}`;
  const { stdout } = await run(link, ["check"], { env: { PATH } });
  expect(stdout).toBe("kubectl-bouncer.mjs check\n");
});

test.each([
  ["v22.11.0", "it needs Node.js 24 or newer, and node is v22.11.0"],
  ["odd", "it needs Node.js 24 or newer, and node is odd"],
])("node %s is refused in one line", async (version, why) => {
  const PATH = `${await putNode(version)}:${system}`;
  const running = run(launcher, ["check"], { env: { PATH } });
  await expect(running).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: `error: Cannot run kubectl-bouncer: ${why}\n`,
  });
});

test("node 24 is accepted", async () => {
  const PATH = `${await putNode("v24.0.0")}:${system}`;
  const { stdout } = await run(launcher, ["check"], { env: { PATH } });
  expect(stdout).toBe(`ran ${join(folder, "kubectl-bouncer.mjs")} check\n`);
});

test("that there is no node is said in one line", async () => {
  const bin = join(folder, "no-node");
  await mkdir(bin);
  const tools = ["bash", "dirname"].map(async (name) => {
    const { stdout } = await run("/bin/sh", ["-c", `command -v ${name}`]);
    await symlink(stdout.trim(), join(bin, name));
  });
  await Promise.all(tools);
  const running = run(join(bin, "bash"), [launcher, "check"], { env: { PATH: bin } });
  await expect(running).rejects.toMatchObject({
    code: 1,
    stderr:
      "error: Cannot run kubectl-bouncer: it needs Node.js 24 or newer, and there is no node in PATH\n",
  });
});
