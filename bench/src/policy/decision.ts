/** The policy as the bouncer asks it: from the head of a request to the verdict, and a new bundle. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseConfig } from "../../../bouncer/src/config.ts";
import { environment } from "../../../bouncer/src/contract.ts";
import type { Decision, RequestHead } from "../../../bouncer/src/policy/decision.ts";
import { createPolicy } from "../../../bouncer/src/policy/policy.ts";
import { createLog, createLogStream } from "../../../bouncer/src/telemetry/log.ts";
import { entrypoint } from "./policy.ts";

export interface AskedPolicy extends AsyncDisposable {
  /** As the data path asks: what is there at once is not waited for. */
  decide(request: RequestHead): Decision | Promise<Decision>;
  /** Puts a bundle in the place of the one that is active; resolves when it decides. */
  replace(bundle: Uint8Array): Promise<void>;
}

export async function startPolicy(
  folder: string,
  bundle: Uint8Array,
  cacheTtlSeconds: number,
): Promise<AskedPolicy> {
  const directory = mkdtempSync(join(folder, "policy-"));
  let served = bundle;
  const server = createServer((_request, response) => {
    response.end(served);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const parsed = parseConfig({
    [environment.policyBundleUrl]: `http://127.0.0.1:${port}/bundle.tar.gz`,
    [environment.policyDirectory]: directory,
    [environment.policyDecisionPath]: entrypoint,
    [environment.cacheTtl]: String(cacheTtlSeconds),
    [environment.logLevel]: "error",
  });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.join("; "));
  const log = createLog(parsed.config, createLogStream(process.stderr));
  const policy = await createPolicy(parsed.config, { log, version: "bench" });
  // Nothing is stored, so nothing is active before.
  await policy.refresh();
  return {
    decide: (request) => policy.decide(request, null),
    replace: async (bytes) => {
      served = bytes;
      await policy.refresh();
    },
    [Symbol.asyncDispose]: async () => {
      await policy.close();
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** One decision after the other: latencies in microseconds. */
export async function decideOften(
  policy: AskedPolicy,
  request: RequestHead,
  count: number,
): Promise<readonly number[]> {
  const latenciesUs: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const start = performance.now();
    const asked = policy.decide(request);
    const { verdict } = asked instanceof Promise ? await asked : asked;
    latenciesUs.push((performance.now() - start) * 1000);
    if (verdict.kind !== "allow") throw new Error(`not allowed: ${JSON.stringify(verdict)}`);
    // What else the event loop has to do is not to pile up.
    if (at % 100 === 0) await setImmediate();
  }
  return latenciesUs;
}

/** How far apart requests come in. */
const paceMs = 1;

/**
 * Requests that come in one per millisecond, until `until` has settled: how long after it came in
 * each of them was decided, in microseconds. What holds up the event loop holds up all of them.
 */
export async function decidePaced(
  policy: AskedPolicy,
  request: RequestHead,
  until: Promise<unknown>,
): Promise<readonly number[]> {
  const over = new AbortController();
  const settled = until.finally(() => over.abort());
  const latenciesUs: number[] = [];
  let due = performance.now();
  while (!over.signal.aborted) {
    while (performance.now() < due) await setImmediate();
    await policy.decide(request);
    latenciesUs.push((performance.now() - due) * 1000);
    due += paceMs;
  }
  await settled;
  return latenciesUs;
}
