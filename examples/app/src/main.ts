/** The example app that the demo and the end-to-end tests put a bouncer in front of. */
import { existsSync, watchFile } from "node:fs";
import { startApp } from "./app.ts";
import { makeCall, parseCall } from "./call.ts";
import { parseConfig } from "./config.ts";

const usage = `usage: node main.mjs
       node main.mjs call HOST:PORT METHOD [NAME=VALUE]... [MESSAGE]...

Answers each HTTP request with what it saw of it. Settings are environment variables:
  PORT=3000            HTTP: / tells about the request, /health, /stream, POST /echo, /ws (WebSocket)
  SECOND_PORT          the same again on another port
  TCP_PORT             echoes bytes; closed while the app is unhealthy
  GRPC_PORT            grpc.health.v1.Health, and example.Orders: Get, Watch and Talk, in JSON
  UNHEALTHY_FILE       the app is unhealthy while this file exists (/tmp/unhealthy)
  DRAIN_SECONDS=5      how long it goes on serving after SIGTERM
  POD_NAME             what it calls itself

"call" makes a gRPC call, to any such app: with headers and JSON messages, or an empty one. Prints
what comes back and the status; fails unless that is OK.
`;

function log(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(usage);
    return;
  }
  const [command, ...args] = process.argv.slice(2);
  if (command === "call") {
    const call = parseCall(args);
    if (call === null) process.stderr.write(usage);
    const isGood =
      call !== null && (await makeCall(call, (line) => process.stdout.write(`${line}\n`)));
    process.exitCode = isGood ? 0 : 1;
    return;
  }
  const parsed = parseConfig(process.env);
  if (parsed.kind === "problems") {
    process.stderr.write(`${parsed.problems.join("\n")}\n`);
    process.exit(2);
  }
  const { config } = parsed;
  const app = await startApp(config, () => !existsSync(config.unhealthyFile));
  log("started", { ...config });

  watchFile(config.unhealthyFile, { interval: 200 }, () => {
    log("health changed", { healthy: !existsSync(config.unhealthyFile) });
    app.refresh().catch((error: unknown) => log("port failed", { error: String(error) }));
  });
  process.once("SIGTERM", () => {
    log("draining", { seconds: config.drainSeconds });
    void app.close().then(() => {
      log("stopped");
      process.exit(0);
    });
  });
}

await main();
