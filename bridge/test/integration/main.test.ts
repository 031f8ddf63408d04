import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as v from "valibot";
import { expect, onTestFinished, test } from "vitest";
import { packRevision } from "../archive.ts";
import { bundleName, createDirectory } from "./support.ts";

const lineSchema = v.looseObject({ msg: v.string(), level: v.string() });
type Line = v.InferOutput<typeof lineSchema>;

function startProcess(environment: Readonly<Record<string, string>>) {
  const main = join(import.meta.dirname, "../../src/main.ts");
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on("line", (text) => {
    lines.push(v.parse(lineSchema, JSON.parse(text)));
    for (const look of waiting) look();
  });
  const logged = (msg: string): Promise<Line> =>
    new Promise((resolve) => {
      const look = (): void => {
        const line = lines.find((one) => one.msg === msg);
        if (line !== undefined) resolve(line);
      };
      waiting.add(look);
      look();
    });
  return { child, lines, logged, ended: once(child, "close").then(([code]: unknown[]) => code) };
}

async function plainEnvironment(): Promise<Record<string, string>> {
  const directory = await createDirectory();
  await writeFile(join(directory, bundleName), await packRevision("r1"));
  await writeFile(join(directory, "tokens"), "a-token-of-some-length\n");
  return {
    BRIDGE_PORT: "0",
    BRIDGE_ADMIN_PORT: "0",
    BRIDGE_PLAIN_HTTP: "true",
    BRIDGE_BUNDLE_DIRECTORY: directory,
    BRIDGE_AUTH: "token",
    BRIDGE_TOKEN_FILE: join(directory, "tokens"),
  };
}

test("serves until it is told to stop, then ends with 0", async () => {
  const { child, logged, ended, lines } = startProcess(await plainEnvironment());
  const { port } = await logged("bridge started");
  const headers = { authorization: "Bearer a-token-of-some-length" };
  const answer = await fetch(`http://localhost:${String(port)}/bundles/${bundleName}`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-bundle-revision")).toBe("r1");
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(JSON.stringify(lines)).not.toContain("a-token-of-some-length");
});

test("every problem of the configuration, then 2", async () => {
  const { ended, lines } = startProcess({
    BRIDGE_PORT: "x",
    BRIDGE_AUTH: "none",
    BRIDGE_PROT: "1",
  });
  expect(await ended).toBe(2);
  expect(lines.map((line) => line["problem"])).toEqual([
    "Cannot use BRIDGE_PROT: there is no variable of this name",
    'Cannot use BRIDGE_PORT "x": accepted is a TCP port, 0 to 65535',
    'Cannot use BRIDGE_AUTH "none": accepted is "tokenreview" or "token"',
  ]);
});

test("a port that is taken, then 1", async () => {
  const taken = createServer().listen(0, "::");
  await once(taken, "listening");
  onTestFinished(() => void taken.close());
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  const { ended, logged } = startProcess({ ...(await plainEnvironment()), BRIDGE_PORT: port });
  expect(await logged("bridge did not start")).toMatchObject({
    code: "start_failed",
    level: "fatal",
  });
  expect(await ended).toBe(1);
});
