import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";
import { renderReference } from "./reference.ts";

test("docs/reference/bridge.md is what the source says", async () => {
  const { registry } = createMetrics({
    bundles: () => [],
    revisions: () => [],
    rollouts: () => [],
    certificateNotAfter: () => null,
  });
  const metrics = (await registry.getMetricsAsJSON()).filter(({ name }) =>
    name.startsWith("bouncer_"),
  );
  await expect(renderReference(metrics)).toMatchFileSnapshot("../../docs/reference/bridge.md");
});
