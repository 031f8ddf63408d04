import { spawn } from "node:child_process";
import { createServer, type RequestListener } from "node:http";
import { createServer as createNetServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { runWait } from "../../../src/wait/wait.ts";
import { eventOf, listenOn, readAll } from "../proxy/harness.ts";

const open: Server[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function serve(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  open.push(server);
  return await listenOn(server);
}

async function wait(port: number, timeoutMs: number) {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  return { code: await runWait({ ADMIN_PORT: String(port) }, { print, timeoutMs }), lines };
}

test("until the answer is 200, by the path of the bouncer's health", async () => {
  const asked: unknown[] = [];
  const port = await serve((request, response) => {
    asked.push(request.url);
    response.writeHead(asked.length < 3 ? 503 : 200).end("{}");
  });
  expect(await wait(port, 60_000)).toEqual({ code: 0, lines: [] });
  expect(asked).toEqual(["/health", "/health", "/health"]);
});

test("until somebody listens", async () => {
  const probe = createNetServer();
  const port = await listenOn(probe);
  probe.close();
  await eventOf(probe, "close");
  const waiting = wait(port, 60_000);
  const server = createServer((_request, response) => response.end());
  open.push(server);
  setTimeout(() => server.listen(port), 250);
  expect(await waiting).toEqual({ code: 0, lines: [] });
});

test("no longer than its time, and then it says what was wrong in one line", async () => {
  const port = await serve((_request, response) => response.writeHead(503).end());
  expect(await wait(port, 300)).toEqual({
    code: 1,
    lines: [
      `Cannot wait for http://127.0.0.1:${port}/health longer than 0.3 seconds: it answers with status 503`,
    ],
  });
});

test("a server that never answers is asked again", async () => {
  let asked = 0;
  const port = await serve((_request, response) => {
    asked += 1;
    if (asked > 1) response.end();
  });
  expect(await wait(port, 60_000)).toEqual({ code: 0, lines: [] });
});

async function run(env: Record<string, string>) {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const child = spawn(process.execPath, [main, "wait"], { env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = [readAll(child.stdout), readAll(child.stderr)];
  const [code] = await eventOf(child, "close");
  return { code, stdout: await stdout, stderr: await stderr };
}

test("as a program: nothing to say when all is well", async () => {
  const port = await serve((_request, response) => response.end());
  expect(await run({ ADMIN_PORT: String(port) })).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("as a program: a port that is none", async () => {
  expect(await run({ ADMIN_PORT: "0" })).toEqual({
    code: 2,
    stdout: "",
    stderr: 'Cannot use ADMIN_PORT "0": accepted is a port from 1 to 65535 that no listener has\n',
  });
});
