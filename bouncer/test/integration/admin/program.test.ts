import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { eventOf, fetchHead, listenOn, readAll } from "../proxy/harness.ts";

const main = join(import.meta.dirname, "../../../src/main.ts");
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(role: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...role], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

async function runToEnd(role: string[], env?: Record<string, string>) {
  const child = start(role, env);
  const [stdout, stderr] = [readAll(child.stdout), readAll(child.stderr)];
  const [code] = await eventOf(child, "close");
  return { code, stdout: await stdout, stderr: await stderr };
}

/** A port that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createNetServer();
  const port = await listenOn(server);
  server.close();
  await once(server, "close");
  return port;
}

test.each([[["--help"]], [["help"]]])("%j explains itself", async (role) => {
  const { code, stdout } = await runToEnd(role);
  expect(code).toBe(0);
  expect(stdout).toContain("Usage: bouncer <role>");
});

test("version is one line", async () => {
  expect(await runToEnd(["version"])).toMatchObject({ code: 0, stdout: "0.1.0\n" });
});

test.each([[[]], [["sevre"]]])("the role %j is none: exit 2", async (role) => {
  const { code, stderr } = await runToEnd(role);
  expect(code).toBe(2);
  expect(stderr).toContain("Unknown role");
});

test.each(["serve", "load"])(
  "%s with a configuration that is not valid: all problems, exit 2",
  async (role) => {
    const env = { LOG_LEVEL: "loud", CACHE_TTL: "soon" };
    const { code, stdout, stderr } = await runToEnd([role], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('Cannot use LOG_LEVEL "loud"');
    expect(stderr).toContain('Cannot use CACHE_TTL "soon"');
  },
);

test("serve on a port in use: one sentence, exit 1", async () => {
  const taken = createServer();
  const port = await listenOn(taken);
  const env = { LISTENERS: `${port}:1`, ADMIN_PORT: String(await freePort()) };
  const { code, stderr } = await runToEnd(["serve"], env);
  taken.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Cannot listen on port "\d+": .*EADDRINUSE[^\n]*\n$/);
});

test("serve until SIGTERM: drains, finishes what is in flight, writes the last record, exit 0", async () => {
  const [port, adminPort] = [await freePort(), await freePort()];
  const child = start(["serve"], {
    LISTENERS: `${port}:1`,
    ADMIN_PORT: String(adminPort),
    POLICY_DIRECTORY: "/nonexistent",
    DRAIN_DELAY_SECONDS: "0",
    ADMIN_TOKEN: "0123456789abcdef",
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(line));
  while (!lines.some((line) => line.includes('"serving"'))) await once(reader, "line");
  const refused = await fetchHead({ port, path: "/x" });
  expect(refused).toMatchObject({
    statusCode: 503,
    headers: { "x-bouncer-reason": "no_policy" },
  });
  refused.resume();
  const closed = eventOf(child, "close");
  child.kill("SIGTERM");
  expect(await closed).toEqual([0, null]);
  const records = lines.filter((line) => line.includes('"decision_id"'));
  expect(records).toHaveLength(1);
  expect(records[0]).toContain(
    `"decision_id":"${String(refused.headers["x-bouncer-decision-id"])}"`,
  );
  expect(lines.join("\n")).not.toContain("0123456789abcdef");
});
