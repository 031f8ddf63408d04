import { createServer } from "node:http";
import { containerName, environment } from "bouncer/contract";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  cleanups,
  cleanUp,
  run,
  token,
} from "../../../../bouncer/test/integration/admin/setting.ts";
import { createTestPolicy, deny } from "../../../../bouncer/test/integration/proxy/harness.ts";
import { inject } from "../../../src/inject/pod.ts";
import { listen } from "../../../src/server.ts";
import { buildContext } from "../../support/context.ts";
import { type Cluster, install, startCluster } from "./cluster.ts";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster();
  install(cluster, "{}");
});
afterEach(async () => {
  await cleanUp();
  await cluster.close();
});

const podPath = "/api/v1/namespaces/shop/pods/web-1";
const done = { terminated: { exitCode: 0, reason: "Completed" } };
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };

const storedSchema = v.looseObject({ spec: v.looseObject({}) });

interface PodOptions {
  /** Where the bouncer listens. */
  readonly listener: number;
  readonly isNative?: boolean;
  readonly states?: Readonly<Record<string, object>>;
}

/** A pod as the injector makes it and the kubelet runs it. */
function putPod({ listener, isNative = true, states = {} }: PodOptions): void {
  const pod = {
    metadata: { name: "web-1", namespace: "shop" },
    spec: { containers: [{ name: "web", image: "web", ports: [{ containerPort: 3000 }] }] },
  };
  const context = buildContext({ adminToken: token });
  const settings = { ...context.settings, nativeSidecar: isNative };
  const injection = inject(pod, { ...context, settings });
  if (injection.kind !== "inject") throw new Error(injection.reason);
  const text = JSON.stringify(injection.pod).replaceAll("8080:3000", `${listener}:3000`);
  const stored = v.parse(storedSchema, JSON.parse(text));
  const status = (name: string) => ({
    name,
    ready: true,
    restartCount: 0,
    state: name === containerName.sidecar ? running : done,
    ...states[name],
  });
  const { redirect, loader, sidecar } = containerName;
  const [steps, others] = isNative
    ? [[redirect, loader, sidecar], []]
    : [[redirect, loader], [sidecar]];
  cluster.objects.set(podPath, {
    ...stored,
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      initContainerStatuses: steps.map(status),
      containerStatuses: others.map(status),
    },
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0, () => undefined);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Bouncer {
  readonly listener: number;
  /** Of the application itself. */
  readonly app: number;
  /** What the application was asked. */
  readonly asked: string[];
}

/** A real bouncer before a real application; requests to the app port are redirected to it. */
async function startBouncer(options: Parameters<typeof run>[0] = {}): Promise<Bouncer> {
  const asked: string[] = [];
  const application = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("app");
  });
  const app = await listen(application, 0, () => undefined);
  cleanups.push(() => {
    application.closeAllConnections();
    application.close();
  });
  const listener = await freePort();
  const routes = [
    {
      port: listener,
      target: { host: "127.0.0.1", port: app },
      opaque: false,
      protocol: "auto" as const,
      tls: false,
    },
  ];
  const bouncer = await run({ ...options, config: { ...options.config, routes } });
  cluster.ports.set(9090, bouncer.admin);
  cluster.ports.set(3000, listener);
  return { listener, app, asked };
}

const answerSchema = v.object({
  verdict: v.string(),
  rows: v.array(
    v.object({ code: v.string(), verdict: v.string(), detail: v.string(), next: v.string() }),
  ),
});

/** Rows that are not ok, by code. The policy of these bouncers has no source. */
async function diagnose() {
  const { code, stdout, stderr } = await cluster.run("diagnose", "web-1", "-o", "json");
  const answer = v.parse(answerSchema, JSON.parse(stdout));
  const not = answer.rows.filter(({ verdict }) => verdict !== "ok");
  return {
    code,
    stderr,
    verdict: answer.verdict,
    rows: new Map(not.map((row) => [row.code, row])),
  };
}

describe("a bouncer at work", () => {
  test.each([
    ["native", true],
    ["classic", false],
  ])("a %s sidecar: nothing fails", async (_, isNative) => {
    const { listener, app, asked } = await startBouncer();
    putPod({ listener, isNative });
    const { code, stdout, stderr } = await cluster.run("diagnose", "pod/web-1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const text = stdout
      .replaceAll(String(listener), "LISTENER")
      .replaceAll(`127.0.0.1:${app}`, "TARGET")
      .replace(/for \d+ \w+/, "for AGE");
    await expect(text).toMatchFileSnapshot(
      `golden/diagnose-${isNative ? "native" : "classic"}.txt`,
    );
    expect(asked).toEqual(["/"]);
  });

  test("what answers by itself is found out", async () => {
    const { listener, app } = await startBouncer();
    putPod({ listener });
    cluster.ports.set(3000, app);
    const { code, rows } = await diagnose();
    expect(code).toBe(3);
    expect(rows.get("redirect")).toMatchObject({ verdict: "fail" });
    expect(rows.get("redirect")?.detail).toContain("it counted no request");
    expect(rows.get("through")?.verdict).toBe("unknown");
  });

  test("what is not reached at all is not redirected", async () => {
    const { listener } = await startBouncer();
    putPod({ listener });
    cluster.ports.delete(3000);
    const { code, rows } = await diagnose();
    expect(code).toBe(3);
    expect(rows.get("redirect")?.detail).toContain("refuses connections from outside");
  });

  test.each([
    ["a policy that refuses everything", {}],
    ["shadow mode", { env: { [environment.shadowMode]: "true" } }],
  ])("%s does not hide the redirect", async (_, options) => {
    const { listener } = await startBouncer({ ...options, policy: createTestPolicy(() => deny) });
    putPod({ listener });
    const { code, rows } = await diagnose();
    expect(code).toBe(0);
    expect([...rows.keys()]).toEqual([...("env" in options ? ["shadow"] : []), "policy_source"]);
  });

  test("an application that is down", async () => {
    const [listener, nobody] = [await freePort(), await freePort()];
    const routes = [
      {
        port: listener,
        target: { host: "127.0.0.1", port: nobody },
        opaque: false,
        protocol: "auto" as const,
        tls: false,
      },
    ];
    const bouncer = await run({ config: { routes } });
    cluster.ports.set(9090, bouncer.admin).set(3000, listener);
    putPod({ listener });
    const { code, rows } = await diagnose();
    expect(code).toBe(3);
    expect([...rows.keys()].toSorted()).toEqual(["application", "policy_source", "through"]);
    expect(rows.get("through")?.detail).toContain("502 from the bouncer (app_unreachable)");
  });
});

describe("what cannot be looked at is unknown, and says why", () => {
  test("the pod proxy is forbidden", async () => {
    const { listener } = await startBouncer();
    putPod({ listener });
    cluster.forbidden = /\/proxy\//;
    const { code, verdict, rows } = await diagnose();
    expect({ code, verdict }).toEqual({ code: 0, verdict: "unknown" });
    expect([...rows.keys()].toSorted()).toEqual(
      [
        "listener",
        "application",
        "redirect",
        "through",
        "probe",
        "policy",
        "policy_source",
        "audit",
      ].toSorted(),
    );
    for (const { next } of rows.values()) {
      expect(next).toBe(`Needed is the permission to get pods/proxy in namespace "shop"`);
    }
  });

  test("the admin port cannot be reached", async () => {
    const { listener } = await startBouncer();
    putPod({ listener });
    cluster.ports.delete(9090);
    const { code, rows } = await diagnose();
    expect(code).toBe(0);
    expect(rows.get("audit")?.detail).toContain("cannot reach port 9090");
    expect(rows.has("redirect")).toBe(false);
  });

  test("nothing of the installation may be read", async () => {
    const { listener } = await startBouncer();
    putPod({ listener });
    cluster.forbidden = /mutatingwebhookconfigurations/;
    const { code, rows } = await diagnose();
    expect(code).toBe(0);
    expect(rows.get("version")?.detail).toContain("Cannot list MutatingWebhookConfigurations");
  });

  test("the sidecar does not run; its log says why", async () => {
    const lastState = { terminated: { exitCode: 2, reason: "Error" } };
    const state = { waiting: { reason: "CrashLoopBackOff" } };
    const crashed = { ready: false, restartCount: 4, state, lastState };
    putPod({ listener: 8080, states: { [containerName.sidecar]: crashed } });
    cluster.logs.set(
      `web-1 ${containerName.sidecar}`,
      `{"level":"info","msg":"starting"}\n{"level":"error","code":"config_invalid","msg":"Cannot use CACHE_TTL"}\n`,
    );
    const { code, rows } = await diagnose();
    expect(code).toBe(3);
    expect(rows.get("sidecar")?.detail).toBe(
      "does not run; ended with 2: config_invalid: Cannot use CACHE_TTL; 4 restarts",
    );
    expect(rows.get("redirect")).toMatchObject({
      verdict: "unknown",
      detail: "not asked: the sidecar does not run",
    });
  });

  test("logs may not be read", async () => {
    const state = { terminated: { exitCode: 1, reason: "Error" } };
    putPod({ listener: 8080, states: { [containerName.redirect]: { state } } });
    cluster.forbidden = /\/log$/;
    const { code, rows } = await diagnose();
    expect(code).toBe(3);
    expect(rows.get("redirect_step")?.detail).toContain(
      "its log is not known: Cannot read the log",
    );
  });
});

test("a pull secret that is not there", async () => {
  const { listener } = await startBouncer();
  putPod({ listener });
  const pod = v.parse(storedSchema, cluster.objects.get(podPath));
  const imagePullSecrets = [{ name: "registry" }];
  cluster.objects.set(podPath, { ...pod, spec: { ...pod.spec, imagePullSecrets } });
  expect((await diagnose()).rows.get("images")?.detail).toContain(`"registry" does not exist`);
});

test("a pod without a bouncer", async () => {
  cluster.objects.set(podPath, {
    metadata: { name: "web-1", namespace: "shop" },
    spec: { containers: [{ name: "web" }] },
  });
  const { code, stdout } = await cluster.run("diagnose", "web-1");
  expect(code).toBe(3);
  expect(stdout).toContain("the pod has no bouncer");
  expect(stdout).toContain("kubectl bouncer explain web-1 -n shop says why");
});

test.each([
  [["diagnose"], 2, "error: the name of a pod is missing"],
  [["diagnose", "a", "b"], 2, `error: unexpected argument "b"`],
  [["diagnose", "deployment/web"], 2, `error: "deployment/web" is not a pod`],
  [["diagnose", "other"], 1, `error: Cannot read pod "shop/other": it is not there\n`],
])("%j", async (args, code, message) => {
  const result = await cluster.run(...args);
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(message);
});
