#!/usr/bin/env node
/**
 * The program `bouncer-injector`: `serve` is the webhook, `self-test` asks a running one, everything
 * else is the command line. The only place for process.env and process.exit.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { buffer } from "node:stream/consumers";
import { createIdentity } from "bouncer-certs/key-pair";
import manifest from "../package.json" with { type: "json" };
import { runCommandLine } from "./cli/command-line.ts";
import { programName } from "./cli/program.ts";
import { parseConfig } from "./config.ts";
import { messageOf, toInjectorError } from "./errors.ts";
import { buildPatch } from "./inject/patch.ts";
import { inject } from "./inject/pod.ts";
import { loadKubeConfig } from "./kube/config.ts";
import { selfTest } from "./kube/self-test.ts";
import { systemTimer } from "./loop.ts";
import { createLog } from "./telemetry/log.ts";
import type { Log } from "./telemetry/log.ts";
import { startWebhook } from "./webhook.ts";
import type { Webhook } from "./webhook.ts";

const exitCode = { ok: 0, failed: 1, configInvalid: 2 } as const;
const { version } = manifest;
const createAdminToken = (): string => randomBytes(32).toString("base64url");

async function serve(): Promise<void> {
  const parsed = parseConfig(process.env);
  if (parsed.kind === "invalid") {
    const log = createLog("info");
    for (const problem of parsed.problems)
      log.error({ code: "config_invalid", problem }, "configuration is not valid");
    process.exitCode = exitCode.configInvalid;
    return;
  }
  const { config } = parsed;
  const log = createLog(config.logLevel);
  log.info({ version, config }, "configuration");
  try {
    const webhook = await startWebhook(config, {
      kubeConfig: loadKubeConfig(),
      readFile: (path) => readFile(path, "utf8"),
      createIdentity,
      createAdminToken,
      inject,
      buildPatch,
      version,
      identity: `${hostname()}_${randomBytes(4).toString("hex")}`,
      now: Date.now,
      monotonic: () => performance.now(),
      timer: systemTimer,
      log,
    });
    log.info({ port: webhook.port, adminPort: webhook.adminPort }, "webhook listening");
    closeOnSignal(webhook, log);
  } catch (error) {
    const { code, message } = toInjectorError(error);
    log.error({ code, detail: message }, "webhook did not start");
    // What was started before the failure would keep the process.
    process.exit(code === "settings_invalid" ? exitCode.configInvalid : exitCode.failed);
  }
}

function closeOnSignal(webhook: Webhook, log: Log): void {
  let closing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (closing) process.exit(exitCode.failed);
    closing = true;
    log.info({ signal }, "webhook stopping");
    webhook.close().then(
      () => process.exit(exitCode.ok),
      (error: unknown) => {
        log.error({ detail: messageOf(error) }, "webhook did not stop cleanly");
        process.exit(exitCode.failed);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function runSelfTest(flag: string | undefined, namespace: string | undefined): Promise<void> {
  if (flag !== "--namespace" || namespace === undefined || namespace === "") {
    process.stderr.write("usage: bouncer-injector self-test --namespace NAME\n");
    process.exitCode = exitCode.configInvalid;
    return;
  }
  try {
    const missing = await selfTest(loadKubeConfig(), namespace);
    const complete = missing.length === 0;
    process.exitCode = complete ? exitCode.ok : exitCode.failed;
    process.stdout.write(
      complete
        ? `A pod created in namespace "${namespace}" gets a bouncer\n`
        : `A pod created in namespace "${namespace}" lacks ${missing.join(", ")}\n`,
    );
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = exitCode.failed;
  }
}

const [command, ...rest] = process.argv.slice(2);
if (command === "serve") {
  await serve();
} else if (command === "self-test") {
  await runSelfTest(rest[0], rest[1]);
} else {
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    program: programName([process.argv0, process.argv[1] ?? ""]),
    version,
    isTerminal: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
    now: Date.now,
    readFile: (path) => readFile(path),
    readStdin: () => buffer(process.stdin),
    writeStdout: (text) => process.stdout.write(text),
    writeStderr: (text) => process.stderr.write(text),
    createAdminToken,
  });
}
