/**
 * Which authority the bouncers trust for policy. What the operator named counts; else, when policy
 * comes from the included bridge, the webhook's own authority, which signs the bridge's
 * certificate; else the public ones, which need no setting. Pure.
 */
import { splitUrls } from "../settings/value.ts";
import type { Settings } from "../settings.ts";

export function fillAuthority(
  settings: Settings,
  bundle: string | null,
  bridgeNames: readonly string[],
): Settings {
  const { syncCa, bundleUrl, syncUrl } = settings.policy;
  if (syncCa !== null || bundle === null) return settings;
  const urls = [bundleUrl, syncUrl].flatMap((text) => splitUrls(text ?? ""));
  const hosts = urls.map((url) => URL.parse(url)?.hostname);
  const fromBridge = hosts.some((host) => host !== undefined && bridgeNames.includes(host));
  return fromBridge ? { ...settings, policy: { ...settings.policy, syncCa: bundle } } : settings;
}
