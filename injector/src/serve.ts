/** `bouncer-injector serve`: from the environment to a webhook that runs until a signal comes. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { createIdentity } from "bouncer-certs/key-pair";
import type { Environment } from "bouncer-environment/table";
import { parseConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { messageOf, toInjectorError } from "./errors.ts";
import { buildPatch } from "./inject/patch.ts";
import { inject } from "./inject/pod.ts";
import { connectApiServer } from "./kube/connect.ts";
import { systemTimer } from "./loop.ts";
import { createLog } from "./telemetry/log.ts";
import type { Log } from "./telemetry/log.ts";
import { startWebhook } from "./webhook.ts";
import type { Webhook } from "./webhook.ts";

const exitCode = { ok: 0, failed: 1, configInvalid: 2 } as const;

/** Resolves to the exit code; what may still be open then must not keep the process. */
export async function serve(environment: Environment, version: string): Promise<number> {
  const parsed = parseConfig(environment);
  if (parsed.kind === "invalid") {
    const log = createLog("info");
    for (const problem of parsed.problems)
      log.error({ code: "config_invalid", problem }, "configuration is not valid");
    return exitCode.configInvalid;
  }
  const { config } = parsed;
  const log = createLog(config.logLevel);
  log.info({ version, config }, "configuration");
  try {
    const webhook = await start(config, environment, { version, log });
    log.info({ port: webhook.port, adminPort: webhook.adminPort }, "webhook listening");
    return await closeOnSignal(webhook, log);
  } catch (error) {
    const { code, message } = toInjectorError(error);
    log.error({ code, detail: message }, "webhook did not start");
    return code === "settings_invalid" ? exitCode.configInvalid : exitCode.failed;
  }
}

async function start(
  config: Config,
  environment: Environment,
  { version, log }: { readonly version: string; readonly log: Log },
): Promise<Webhook> {
  return await startWebhook(config, {
    apiServer: await connectApiServer(environment, config.serviceAccountFolder),
    readFile: (path) => readFile(path, "utf8"),
    createIdentity,
    createAdminToken: () => randomBytes(32).toString("base64url"),
    inject,
    buildPatch,
    version,
    identity: `${hostname()}_${randomBytes(4).toString("hex")}`,
    now: Date.now,
    monotonic: () => performance.now(),
    timer: systemTimer,
    log,
  });
}

/** A second signal does not wait. */
function closeOnSignal(webhook: Webhook, log: Log): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let closing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (closing) {
      resolve(exitCode.failed);
      return;
    }
    closing = true;
    log.info({ signal }, "webhook stopping");
    webhook.close().then(
      () => resolve(exitCode.ok),
      (error: unknown) => {
        log.error({ detail: messageOf(error) }, "webhook did not stop cleanly");
        resolve(exitCode.failed);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return promise;
}
