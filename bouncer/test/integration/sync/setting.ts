/** A policy that syncs with a server of the test, on a clock of the test. */
import { createHash } from "node:crypto";
import type { Hint } from "bouncer-bridge/protocol";
import { createPolicy } from "../../../src/policy/policy.ts";
import { configOf, createClock, silent, useDirectory } from "../policy/setting.ts";

export async function startPolicy(url: string, env: Parameters<typeof configOf>[0] = {}) {
  const directory = await useDirectory();
  const config = configOf({
    POLICY_DIRECTORY: directory.path,
    POLICY_SYNC_URL: url,
    POD_NAME: "orders-1",
    POD_NAMESPACE: "shop",
    ...env,
  });
  const timing = createClock();
  const policy = await createPolicy(config, { log: silent, version: "1.2.3", clock: timing.clock });
  return {
    policy,
    timing,
    directory: directory.path,
    revision: () => policy.status().bundle?.revision ?? null,
    async [Symbol.asyncDispose]() {
      await policy.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function hintTo(bytes: Uint8Array, overrides: Partial<Hint> = {}): string {
  const hint: Hint = {
    kind: "hint",
    bundle: "policy.tar.gz",
    revision: "r",
    url: "/bundles/policy.tar.gz",
    sha256: sha256(bytes),
    candidate: null,
    ...overrides,
  };
  return JSON.stringify(hint);
}
