/** The program itself: exit codes, ports, signals. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { listen } from "../../src/server.ts";

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const settings = fileURLToPath(new URL("./settings.yaml", import.meta.url));
const required = {
  INJECTOR_NAMESPACE: "system",
  INJECTOR_SERVICE: "injector",
  INJECTOR_WEBHOOK_CONFIGURATION: "injector",
  INJECTOR_TLS_SECRET: "injector-tls",
  INJECTOR_SETTINGS_FILE: settings,
  INJECTOR_PORT: "0",
  INJECTOR_ADMIN_PORT: "0",
  INJECTOR_DRAIN_DELAY_SECONDS: "0",
};

function start(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = Promise.withResolvers<number | null>();
  child.on("close", exited.resolve);
  return { child, exited: exited.promise };
}

async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { child, exited } = start(args, env);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exited,
  ]);
  return { output: stdout + stderr, code };
}

test("without its environment: every problem, exit code 2", async () => {
  const { output, code } = await run(["serve"], { INJECTOR_PORT: "x" });
  expect(code).toBe(2);
  expect(output).toContain('INJECTOR_PORT \\"x\\"');
  expect(output).toContain("INJECTOR_SERVICE");
});

test("without its settings file: the path, exit code 2", async () => {
  const env = { ...required, INJECTOR_SETTINGS_FILE: "/nonexistent/settings.yaml" };
  const { output, code } = await run(["serve"], env);
  expect(code).toBe(2);
  expect(output).toContain('Cannot read settings file \\"/nonexistent/settings.yaml\\"');
});

test("on a port that is taken: the port, exit code 1", async () => {
  const taken = createServer();
  const port = await listen(taken, 0, () => undefined);
  const { output, code } = await run(["serve"], { ...required, INJECTOR_PORT: String(port) });
  taken.close();
  expect(code).toBe(1);
  expect(output).toContain(`Cannot listen on port ${port}`);
});

test("SIGTERM ends it with exit code 0, also when the API server was never there", async () => {
  const { child, exited } = start(["serve"], required);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (!output.includes("webhook listening") && (output + chunk).includes("webhook listening")) {
      child.kill("SIGTERM");
    }
    output += chunk;
  });
  expect(await exited).toBe(0);
  expect(output).toContain("webhook stopping");
});

test("self-test without a namespace: the usage, exit code 2", async () => {
  expect(await run(["self-test"], {})).toMatchObject({ code: 2 });
});
