import { expect, test } from "vitest";
import { parseSettings } from "../settings.ts";
import { fillAuthority } from "./authority.ts";

const bridge = "bridge.bouncer-system.svc";
const included = {
  bundleUrl: `https://${bridge}:8443/bundles/policy.tar.gz`,
  syncUrl: `wss://${bridge}:8443/v1/sync`,
};

test.each([
  { policy: included, bundle: "PEM", syncCa: "PEM" },
  { policy: { syncUrl: included.syncUrl }, bundle: "PEM", syncCa: "PEM" },
  { policy: { ...included, syncCa: "own" }, bundle: "PEM", syncCa: "own" },
  { policy: included, bundle: null, syncCa: null },
  { policy: { bundleUrl: "https://example.com/p.tar.gz" }, bundle: "PEM", syncCa: null },
  {
    policy: { bundleUrl: `https://example.com/p.tar.gz, https://${bridge}/q.tar.gz` },
    bundle: "PEM",
    syncCa: "PEM",
  },
  { policy: {}, bundle: "PEM", syncCa: null },
])("$policy with $bundle: $syncCa", ({ policy, bundle, syncCa }) => {
  const parsed = parseSettings({ policy });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  expect(fillAuthority(parsed.settings, bundle, [bridge, "bridge"]).policy.syncCa).toBe(syncCa);
});
