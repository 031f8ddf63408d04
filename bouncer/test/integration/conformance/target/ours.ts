/** The bouncer's own data path, with a policy made by hand. */
import type { ServerLimits } from "../../../../src/http/message.ts";
import { createDate } from "../../../../src/proxy/date.ts";
import type { HandlerDeps } from "../../../../src/proxy/handler.ts";
import { defaultLimits } from "../../../../src/proxy/listener.ts";
import { type ProxyOptions, startProxy } from "../../../../src/proxy/server.ts";
import { allow, createTestPolicy, deny } from "../../proxy/harness.ts";
import type { Setting, Target } from "../row.ts";

function depsFor(setting: Setting): HandlerDeps {
  const bodyBytes = setting === "reads-bodies" ? 1024 : 0;
  return {
    policy: createTestPolicy(() => (setting === "denies" ? deny : allow), { bodyBytes }),
    report: () => {},
    commit: null,
    enforcement: { shadow: false, degradedRoutes: [] },
    isTrusted: () => setting === "trusted",
    admin: () => null,
    date: createDate(),
    pseudonym: setting === "anonymous" ? null : "bouncer",
    longLived: "keep",
    trace: () => null,
    isDraining: () => false,
    targetTimeoutMs: 0,
    bodyTimeoutMs: 60_000,
    maxInFlight: 10_000,
  };
}

const limits: ServerLimits = { ...defaultLimits, headTimeoutMs: 60_000, halfClosedMs: 60_000 };
const impatient: ServerLimits = {
  ...defaultLimits,
  headTimeoutMs: 300,
  idleTimeoutMs: 300,
  halfClosedMs: 300,
};

/** `codecs`: others than the product's. */
export function createOurs(name: string, codecs: Omit<ProxyOptions, "limits">): Target {
  return {
    name,
    settings: ["plain", "trusted", "reads-bodies", "denies", "impatient", "anonymous"],
    start: async (appPorts, setting) => {
      const routes = appPorts.map((port) => ({
        port: 0,
        target: { host: "127.0.0.1", port },
        opaque: false,
        protocol: "auto" as const,
        tls: false,
      }));
      const proxy = await startProxy(routes, depsFor(setting), {
        ...codecs,
        limits: setting === "impatient" ? impatient : limits,
      });
      return {
        ports: proxy.ports,
        stop: async () => {
          await proxy.stop(0);
        },
      };
    },
  };
}

export const ours: Target = createOurs("bouncer", {});
