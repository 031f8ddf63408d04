/** `bouncer redirect` as its process runs it; log lines go to stdout as JSON. */
import { runRedirect } from "../../../src/redirect/redirect.ts";
import { createRedirectDeps } from "../../../src/redirect/system.ts";

const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  process.stdout.write(`${JSON.stringify({ ...fields, message })}\n`);
};
process.exitCode = await runRedirect(
  process.env,
  createRedirectDeps({ info: log, warn: log, error: log }),
);
