import { expect, test } from "vitest";
import { renderReference } from "./reference.ts";
import { createMetrics } from "./telemetry/metrics.ts";

test("docs/reference/configuration.md is what the source says", async () => {
  const metrics = createMetrics({
    version: "",
    policy: () => ({
      bundle: null,
      bundles: [],
      candidates: [],
      timeouts: 0,
      activatedAt: null,
      sync: { kind: "none", connected: false, error: null },
      revivals: 0,
      cache: { hits: 0, misses: 0, entries: 0 },
    }),
    inFlight: () => 0,
    connections: () => 0,
  });
  const text = renderReference(await metrics.describe());
  await expect(text).toMatchFileSnapshot("../../docs/reference/configuration.md");
});
