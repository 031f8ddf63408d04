import { expect, test } from "vitest";
import { renderReference } from "./reference.ts";
import { createMetrics } from "./telemetry/metrics.ts";

test("the reference is what the webhook runs on", async () => {
  const nothing = { serving: null, signer: null, bridge: null, caBundleInSync: false, error: null };
  const metrics = createMetrics({
    certificates: () => nothing,
    settingsValid: () => true,
    isLeader: () => false,
    reconciler: () => ({ counts: null, completedAt: null, durationMs: null }),
    info: () => ({ version: "", revision: "" }),
  });
  const lines = (await metrics.render()).matchAll(/^# HELP (bouncer_\S+) (.+)$/gm);
  const about = [...lines].map(([, name = "", help = ""]) => ({ name, help }));
  await expect(renderReference(about)).toMatchFileSnapshot("../../docs/reference/webhook.md");
});
