/**
 * What is measured: a table of targets, each of which says how it is started. Another target is
 * another row.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment, formatListeners } from "../../../bouncer/src/contract.ts";
import { buildEnvoy, type Filter } from "./configuration/envoy.ts";
import { buildHaproxy } from "./configuration/haproxy.ts";
import { buildNginx } from "./configuration/nginx.ts";
import type { Peers } from "./peers.ts";
import { decisionPath } from "./policy.ts";
import { findPorts, type Ports } from "./ports.ts";
import { baseRules, type PolicyName, type Setting } from "./setting.ts";

export interface Context {
  readonly peers: Peers;
  readonly setting: Setting;
  /** A folder for files of this one instance. */
  readonly folder: string;
  readonly from: Ports;
  readonly to: Ports;
}

export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** It logs requests there, and not to its standard output. */
  readonly logsToStderr?: true;
}

export interface Target {
  readonly name: string;
  readonly title: string;
  /** Refuses what the policy refuses. */
  readonly decides: boolean;
  /** A line for each request. */
  readonly logs: boolean;
  readonly policy?: PolicyName;
  readonly programs: (context: Context) => Promise<readonly Program[]>;
}

function file(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const haproxy = (hasLog: boolean): Target => ({
  name: hasLog ? "haproxy-log" : "haproxy",
  title: hasLog ? "HAProxy with its log" : "HAProxy",
  decides: false,
  logs: hasLog,
  programs: ({ peers, folder, from, to }) => {
    const configuration = file(folder, "haproxy.cfg", buildHaproxy({ from, to, hasLog }));
    return Promise.resolve([{ command: [peers.programs.haproxy, "-db", "-f", configuration] }]);
  },
});

const nginx = (hasLog: boolean): Target => ({
  name: hasLog ? "nginx-log" : "nginx",
  title: hasLog ? "nginx with its log" : "nginx",
  decides: false,
  logs: hasLog,
  programs: ({ peers, folder, from, to }) => {
    const text = buildNginx({ from, to, hasLog }, folder);
    const configuration = file(folder, "nginx.conf", text);
    return Promise.resolve([
      { command: [peers.programs.nginx, "-p", folder, "-c", configuration] },
    ]);
  },
});

function runEnvoy(context: Context, hasLog: boolean, filter: Filter): Program {
  const { peers, folder, from, to } = context;
  const configuration = file(folder, "envoy.json", buildEnvoy({ from, to, hasLog, filter }));
  const options = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"];
  return { command: [peers.programs.envoy, ...options, "-c", configuration] };
}

interface EnvoyOptions {
  readonly name: string;
  readonly title: string;
  readonly hasLog?: true;
  readonly hasRbac?: true;
}

const envoy = ({ name, title, hasLog, hasRbac }: EnvoyOptions): Target => ({
  name,
  title,
  decides: hasRbac === true,
  logs: hasLog === true,
  programs: (context) => {
    const filter: Filter = hasRbac ? { kind: "rbac", rules: baseRules } : { kind: "none" };
    return Promise.resolve([runEnvoy(context, hasLog === true, filter)]);
  },
});

type Decider = "nobody" | "opa" | "opa with its log";

/** Envoy asks an adapter of ours, which asks the server of OPA: see adapter/main.go. */
const envoyWithOpa = (name: string, title: string, decider: Decider): Target => ({
  name,
  title,
  decides: decider !== "nobody",
  logs: decider === "opa with its log",
  programs: async (context) => {
    const { peers, setting } = context;
    const [adapterPort = 0, opaPort = 0] = await findPorts(2);
    const opaUrl = `127.0.0.1:${opaPort}`;
    const asks = decider === "nobody" ? [] : ["-opa", `http://${opaUrl}${decisionPath}`];
    const address = `127.0.0.1:${adapterPort}`;
    const adapter: Program = { command: [peers.programs.adapter, "-listen", address, ...asks] };
    const log = decider === "opa" ? [] : ["--set", "decision_logs.console=true"];
    const options = ["run", "--server", "--skip-version-check", "--log-level", "error", ...log];
    const opa: Program = {
      command: ["opa", ...options, "--addr", opaUrl, "--bundle", setting.sources],
      env: { PATH: process.env["PATH"] ?? "" },
      logsToStderr: true,
    };
    return [
      ...(decider === "nobody" ? [] : [opa]),
      adapter,
      runEnvoy(context, false, { kind: "ext_authz", port: adapterPort }),
    ];
  },
});

interface Image {
  readonly options: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Node's options and variables are those of the image, so that what is measured is what runs. */
function readImage(): Image {
  const path = fileURLToPath(new URL("../../../bouncer/Dockerfile", import.meta.url));
  const dockerfile = readFileSync(path, "utf8");
  const entry = /^ENTRYPOINT \["node", (.*)"\/app\/main\.mjs"\]$/m.exec(dockerfile);
  const variables = /^ENV (MALLOC_ARENA_MAX=.*)$/m.exec(dockerfile);
  if (entry === null || variables === null) {
    throw new Error("bouncer/Dockerfile has another entry point, or other variables");
  }
  const pairs = (variables[1] ?? "").split(" ").map((pair) => pair.split("="));
  return {
    options: [...(entry[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, option = ""]) => option),
    env: Object.fromEntries(pairs.map(([name = "", value = ""]) => [name, value])),
  };
}

export const builtBouncer = fileURLToPath(
  new URL("../../../bouncer/dist/main.mjs", import.meta.url),
);

interface BouncerOptions {
  readonly name: string;
  readonly title: string;
  readonly policy?: PolicyName;
  readonly env?: Readonly<Record<string, string>>;
  readonly program: string;
}

/** Everything is as the injector sets it, or by default, unless `env` says otherwise. */
export const bouncer = (options: BouncerOptions): Target => ({
  name: options.name,
  title: options.title,
  decides: options.policy !== "allow-all",
  logs: options.env?.[environment.enableAuditLog] !== "false",
  policy: options.policy ?? "rules-10",
  programs: async ({ setting, from, to }) => {
    const [adminPort = 0] = await findPorts(1);
    const listeners = (["plain", "sink", "grpc"] as const).map((kind) => ({
      port: from[kind],
      targetPort: to[kind],
    }));
    const image = readImage();
    return [
      {
        command: [process.execPath, ...image.options, options.program, "serve"],
        env: {
          ...image.env,
          [environment.listeners]: formatListeners(listeners),
          [environment.targetHost]: "127.0.0.1",
          [environment.adminPort]: String(adminPort),
          [environment.adminOnProxyPort]: "false",
          [environment.policyBundleUrl]: setting.bundleUrl,
          [environment.policyDirectory]: setting.directories[options.policy ?? "rules-10"],
          ...options.env,
        },
      },
    ];
  },
});

const noCache = { [environment.cacheTtl]: "0" };
const noAudit = { [environment.enableAuditLog]: "false" };
/** `program`: the built bouncer. */
export function createTargets(program: string): readonly Target[] {
  const own = (options: Omit<BouncerOptions, "program">): Target =>
    bouncer({ ...options, program });
  const ruled = (rules: 10 | 100 | 1000 | 10_000): Target =>
    own({
      name: `bouncer-${rules}-rules`,
      title: `bouncer, ${rules} rules, no cache`,
      policy: `rules-${rules}`,
      env: noCache,
    });
  return [
    { name: "direct", title: "no proxy", decides: false, logs: false, programs: async () => [] },
    haproxy(false),
    haproxy(true),
    nginx(false),
    nginx(true),
    envoy({ name: "envoy", title: "Envoy" }),
    envoy({ name: "envoy-log", title: "Envoy with its log", hasLog: true }),
    envoy({ name: "envoy-rbac", title: "Envoy with RBAC", hasRbac: true }),
    envoyWithOpa("envoy-adapter", "Envoy + adapter alone", "nobody"),
    envoyWithOpa("envoy-opa", "Envoy + adapter + OPA", "opa"),
    envoyWithOpa("envoy-opa-log", "Envoy + adapter + OPA, decision log", "opa with its log"),
    own({ name: "bouncer", title: "bouncer" }),
    own({ name: "bouncer-no-cache", title: "bouncer, no cache", env: noCache }),
    own({ name: "bouncer-no-audit", title: "bouncer, no audit", env: noAudit }),
    own({
      name: "bouncer-undeclared",
      title: "bouncer, input not declared",
      policy: "undeclared",
    }),
    own({
      name: "bouncer-allow-all",
      title: "bouncer, policy that allows all",
      policy: "allow-all",
    }),
    own({
      name: "bouncer-bare",
      title: "bouncer, allows all, no cache, no audit",
      policy: "allow-all",
      env: { ...noCache, ...noAudit },
    }),
    ruled(10),
    ruled(100),
    ruled(1000),
    ruled(10_000),
  ];
}
