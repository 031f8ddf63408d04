/** The bridge's process: environment, start, signals. The only place for process.env and exit. */
import type { Logger } from "pino";
import { connectApiServer } from "./api-server.ts";
import { startBridge, type Bridge } from "./bridge.ts";
import type { CheckToken } from "./authenticate.ts";
import { parseConfig, type Config } from "./config.ts";
import { BridgeError, messageOf } from "./errors.ts";
import { createLog } from "./log.ts";
import { createStaticCheck } from "./static-tokens.ts";
import { createTokenReviewCheck } from "./token-review.ts";

const exitCode = { startFailed: 1, configInvalid: 2 } as const;
const tokenReviewTimeoutMs = 5_000;

async function createCheck({ authentication }: Config, log: Logger): Promise<CheckToken> {
  if (authentication.kind === "token") return createStaticCheck(authentication.file, log);
  const { audience, serviceAccountFolder } = authentication;
  const ask = await connectApiServer(process.env, serviceAccountFolder);
  return createTokenReviewCheck({ ask, audience, log, timeoutMs: tokenReviewTimeoutMs });
}

function closeOnSignal(bridge: Bridge, log: Logger): void {
  let closing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (closing) process.exit(exitCode.startFailed);
    closing = true;
    log.info({ signal }, "bridge stopping");
    bridge.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ problem: messageOf(error) }, "bridge did not stop cleanly");
        process.exit(exitCode.startFailed);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function main(): Promise<void> {
  const parsed = parseConfig(process.env);
  if (parsed.kind === "invalid") {
    const log = createLog("info");
    for (const problem of parsed.problems)
      log.fatal({ code: "config_invalid", problem }, "configuration is not valid");
    process.exitCode = exitCode.configInvalid;
    return;
  }
  const { config } = parsed;
  const log = createLog(config.logLevel);
  log.info({ config }, "configuration");
  try {
    const bridge = await startBridge(config, {
      log,
      now: Date.now,
      checkToken: await createCheck(config, log),
    });
    closeOnSignal(bridge, log);
  } catch (error) {
    const code = error instanceof BridgeError ? error.code : "start_failed";
    log.fatal({ code, problem: messageOf(error) }, "bridge did not start");
    process.exitCode = exitCode.startFailed;
  }
}

await main();
