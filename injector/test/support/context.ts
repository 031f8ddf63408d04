/** What tests tell `inject`, where it does not matter to them. */
import { type InjectionContext, unknownCluster } from "../../src/inject/injection.ts";
import { parseSettings, type Settings } from "../../src/settings.ts";

export function buildSettings(given: unknown = {}): Settings {
  const parsed = parseSettings(given);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.settings;
}

export const adminToken = "0123456789abcdefghijklmnopqrstuv";

export function buildContext(given: Partial<InjectionContext> = {}): InjectionContext {
  return {
    settings: buildSettings(),
    namespace: { name: "shop", labels: { "bouncer-injection": "enabled" }, annotations: {} },
    injectorNamespace: "bouncer-system",
    cluster: unknownCluster,
    adminToken,
    version: "1.2.3",
    ...given,
  };
}
