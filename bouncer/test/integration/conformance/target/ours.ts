/** The bouncer's own data path, with a policy made by hand. */
import { allow, createTestPolicy, deny } from "../../proxy/harness.ts";
import type { HandlerDeps } from "../../../../src/proxy/handler.ts";
import { defaultLimits, type ListenerLimits } from "../../../../src/proxy/listener.ts";
import { startProxy } from "../../../../src/proxy/server.ts";
import type { Setting, Target } from "../row.ts";

export function depsFor(setting: Setting): HandlerDeps {
  const bodyBytes = setting === "reads-bodies" ? 1024 : 0;
  return {
    policy: createTestPolicy(() => (setting === "denies" ? deny : allow), { bodyBytes }),
    report: () => {},
    commit: null,
    enforcement: { shadow: false, degradedRoutes: [] },
    isTrusted: () => setting === "trusted",
    admin: () => false,
    trace: () => null,
    isDraining: () => false,
    targetTimeoutMs: 0,
    bodyTimeoutMs: 60_000,
    maxInFlight: 10_000,
  };
}

export function limitsFor(setting: Setting): ListenerLimits {
  return setting === "impatient"
    ? { ...defaultLimits, headTimeoutMs: 300, idleTimeoutMs: 300 }
    : { ...defaultLimits, headTimeoutMs: 60_000 };
}

export const ours: Target = {
  name: "bouncer",
  settings: ["plain", "trusted", "reads-bodies", "denies", "impatient", "anonymous"],
  start: async (appPorts, setting) => {
    const routes = appPorts.map((port) => ({
      port: 0,
      target: { host: "127.0.0.1", port },
      opaque: false,
      protocol: "auto" as const,
      tls: false,
    }));
    const proxy = await startProxy(routes, depsFor(setting), limitsFor(setting));
    return {
      ports: proxy.ports,
      stop: async () => {
        await proxy.stop(0);
      },
    };
  },
};
