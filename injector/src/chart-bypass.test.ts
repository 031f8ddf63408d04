/**
 * What the chart's ValidatingAdmissionPolicy (golden in charts/golden) refuses, and what it must
 * not: its CEL, evaluated as the API server does: variables in their order, then each validation.
 */
import { readFile } from "node:fs/promises";
import { Environment } from "@marcbachmann/cel-js";
import { loadAll } from "js-yaml";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { buildContext } from "../test/support/context.ts";
import { inject } from "./inject/pod.ts";

const named = v.array(v.object({ name: v.string(), expression: v.string() }));
const policySchema = v.object({
  kind: v.literal("ValidatingAdmissionPolicy"),
  spec: v.object({
    matchConditions: named,
    variables: named,
    validations: v.array(
      v.object({
        expression: v.string(),
        message: v.string(),
        messageExpression: v.optional(v.string()),
      }),
    ),
  }),
});

async function readPolicy(name: string) {
  const file = new URL(`../../charts/golden/${name}.yaml`, import.meta.url);
  const policy = loadAll(await readFile(file, "utf8")).find((object) => v.is(policySchema, object));
  if (policy === undefined) throw new Error(`${name}: no policy`);
  return policy.spec;
}

/** With the one function of Kubernetes' string library that is not among this one's. */
const environment = new Environment({ unlistedVariablesAreDyn: true }).registerFunction(
  "string.replace(string, string): string",
  (text: string, from: string, to: string) => text.replaceAll(from, to),
);

interface Asked {
  readonly object: unknown;
  readonly oldObject?: unknown;
  readonly subResource?: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The words before the colon of each message; null: the policy does not look at the request. */
async function refusals(name: string, asked: Asked): Promise<string[] | null> {
  const { matchConditions, variables, validations } = await readPolicy(name);
  const { object, oldObject = null, subResource, annotations, namespace = "shop" } = asked;
  const operation = oldObject === null ? "CREATE" : "UPDATE";
  const known: Record<string, unknown> = {};
  const context = {
    object,
    oldObject,
    request: { operation, namespace, ...(subResource === undefined ? {} : { subResource }) },
    namespaceObject: { metadata: annotations === undefined ? {} : { annotations } },
    variables: known,
  };
  const isTrue = (expression: string) => environment.evaluate(expression, context) === true;
  if (!matchConditions.every(({ expression }) => isTrue(expression))) return null;
  for (const variable of variables) {
    known[variable.name] = environment.evaluate(variable.expression, context);
  }
  return validations
    .filter(({ expression }) => !isTrue(expression))
    .map(({ message, messageExpression }) => {
      const said: unknown =
        messageExpression === undefined
          ? message
          : environment.evaluate(messageExpression, context);
      return String(said).split(":")[0] ?? "";
    });
}

const sidecar = {
  name: "bouncer-sidecar",
  image: "bouncer:0.1.0",
  args: ["serve"],
  restartPolicy: "Always",
};
const adds = (...add: readonly string[]) => ({ securityContext: { capabilities: { add } } });
const redirect = {
  name: "bouncer-redirect",
  image: "bouncer:0.1.0",
  args: ["redirect"],
  env: [{ name: "REDIRECT_LISTENERS", value: "none" }],
  ...adds("NET_ADMIN"),
};
const app = { name: "app", image: "app:1" };

type Parts = Readonly<Record<string, unknown>>;

/** A pod as the API server has it: what is empty is not there. */
const pod = (spec: Parts = {}, metadata: Parts = {}) => ({
  metadata: { name: "web", namespace: "shop", ...metadata },
  spec: { containers: [app], initContainers: [redirect, sidecar], ...spec },
});
const bare = (spec: Parts = {}, metadata: Parts = {}) => {
  const { initContainers: _, ...without } = pod(spec, metadata).spec;
  return { metadata: pod(spec, metadata).metadata, spec: without };
};
const withApp = (container: Parts) => pod({ containers: [{ ...app, ...container }] });
const withRedirect = (container: Parts) =>
  pod({ initContainers: [{ ...redirect, ...container }, sidecar] });
const withSidecar = (container: Parts) =>
  pod({ initContainers: [redirect, { ...sidecar, ...container }] });
const mounts = (name: string, mountPath: string, more: Parts = {}) => ({
  volumeMounts: [{ name, mountPath, ...more }],
});
const { restartPolicy: _, ...plainSidecar } = sidecar;

describe("creating", () => {
  test.each<[string, object, readonly string[]]>([
    ["what the injector writes", pod(), []],
    ["a classic sidecar", pod({ initContainers: [redirect], containers: [plainSidecar, app] }), []],
    ["no sidecar", bare(), ["sidecar_missing"]],
    ["one that ends", pod({ initContainers: [plainSidecar] }), ["sidecar_not_ours"]],
    ["one of another image", withSidecar({ image: "evil:1" }), ["sidecar_not_ours"]],
    ["one whose image begins so", withSidecar({ image: "bouncer-x:1" }), ["sidecar_not_ours"]],
    ["one with a digest", withSidecar({ image: "bouncer@sha256:00" }), []],
    ["one with a command", withSidecar({ command: ["sleep"] }), ["sidecar_not_ours"]],
    ["one in another role", withSidecar({ args: ["load"] }), ["sidecar_not_ours"]],
    ["opted out by label", bare({}, { labels: { "bouncer.dev/inject": "false" } }), []],
    ["opted out by annotation", bare({}, { annotations: { "bouncer.dev/inject": "false" } }), []],
    [
      "opted out, said otherwise",
      bare({}, { labels: { "bouncer.dev/inject": "no" } }),
      ["sidecar_missing"],
    ],
    ["on the host's network", bare({ hostNetwork: true }), []],
    ["for Windows", bare({ os: { name: "windows" } }), []],
    ["for Windows nodes", bare({ nodeSelector: { "kubernetes.io/os": "windows" } }), []],
    [
      "a written status",
      bare({ hostNetwork: true }, { annotations: { "bouncer.dev/status": "{}" } }),
      ["status_without_sidecar"],
    ],
    ["NET_ADMIN", withApp(adds("NET_ADMIN")), ["capability"]],
    ["NET_ADMIN, written otherwise", withApp(adds("CAP_net_admin")), ["capability"]],
    ["all capabilities", withApp(adds("all")), ["capability"]],
    ["harmless ones", withApp(adds("NET_RAW", "NET_BIND_SERVICE")), []],
    [
      "NET_ADMIN of a pod that is left out",
      bare({ hostNetwork: true, containers: [{ ...app, ...adds("NET_ADMIN") }] }),
      [],
    ],
    [
      "SYS_ADMIN of such a pod",
      bare({ hostNetwork: true, containers: [{ ...app, ...adds("SYS_ADMIN") }] }),
      ["capability"],
    ],
    ["privileged", withApp({ securityContext: { privileged: true } }), ["privileged"]],
    ["not privileged", withApp({ securityContext: { privileged: false } }), []],
    ["hostPID", pod({ hostPID: true }), ["host_pid"]],
    ["shared processes", pod({ shareProcessNamespace: true }), ["shared_processes"]],
    ["shared processes, left out", bare({ hostNetwork: true, shareProcessNamespace: true }), []],
    ["the policy's volume", withApp(mounts("policy-cache", "/p")), ["volume"]],
    ["what is kept of policies", withApp(mounts("policy-state", "/p")), ["volume"]],
    ["the token's volume", withApp(mounts("bouncer-token", "/t", { readOnly: true })), ["volume"]],
    ["the audit log, to write", withApp(mounts("audit-logs", "/a")), ["volume"]],
    ["the audit log, to read", withApp(mounts("audit-logs", "/a", { readOnly: true })), []],
  ])("%s", async (_case, object, expected) => {
    expect(await refusals("revision", { object })).toEqual(expected);
  });

  test.each<[string, Parts]>([
    ["image", { image: "evil:1" }],
    ["command", { command: ["sh"] }],
    ["arguments", { args: ["redirect", "--help"] }],
    ["environment", { env: [{ name: "NODE_OPTIONS", value: "--require /evil.js" }] }],
    ["environment from elsewhere", { envFrom: [{ configMapRef: { name: "evil" } }] }],
    ["working directory", { workingDir: "/evil" }],
    ["mount over the program", mounts("evil", "/app")],
    ["mount that ends elsewhere", mounts("evil", "/var/run/secrets/../../../app")],
    ["hook, as a sidecar", { restartPolicy: "Always", lifecycle: { postStart: {} } }],
    ["other capability, too", adds("NET_ADMIN", "SYS_ADMIN")],
  ])("nobody gets NET_ADMIN by calling a container bouncer-redirect: %s", async (_case, part) => {
    expect(await refusals("revision", { object: withRedirect(part) })).toEqual(["capability"]);
  });

  test("nor by calling one so that is no init container", async () => {
    const object = pod({ initContainers: [sidecar], containers: [app, redirect] });
    expect(await refusals("revision", { object })).toEqual(["capability"]);
  });

  test("what others add to every container is let through", async () => {
    const object = withRedirect({
      ...mounts("kube-api-access", "/var/run/secrets/kubernetes.io/serviceaccount"),
      env: [...redirect.env, { name: "AWS_REGION", value: "eu-central-1" }],
    });
    expect(await refusals("revision", { object })).toEqual([]);
  });

  test("the image that the namespace names is ours", async () => {
    const image = "registry.example/other:1";
    const object = pod({
      initContainers: [
        { ...redirect, image },
        { ...sidecar, image },
      ],
    });
    const annotations = { "bouncer.dev/image": image };
    expect(await refusals("revision", { object, annotations })).toEqual([]);
    expect(await refusals("revision", { object })).toEqual(["sidecar_not_ours", "capability"]);
  });

  test("where opting out is forbidden, it does not help", async () => {
    const object = bare({}, { labels: { "bouncer.dev/inject": "false" } });
    expect(await refusals("enforced", { object })).toEqual(["sidecar_missing"]);
  });

  test("what is exempt is not looked at", async () => {
    const object = bare();
    const exporter = bare({}, { labels: { app: "node-exporter" } });
    expect(await refusals("enforced", { object, namespace: "storage" })).toBeNull();
    expect(await refusals("enforced", { object: exporter, namespace: "logging" })).toBeNull();
    expect(await refusals("enforced", { object: exporter })).not.toBeNull();
    expect(await refusals("enforced", { object, namespace: "kube-node-x" })).toBeNull();
  });

  test.each(["auto", "redirect", "service"])("what inject() makes, mode %s", async (mode) => {
    const annotations = { "bouncer.dev/mode": mode };
    const namespace = { name: "shop", labels: { "bouncer-injection": "enabled" }, annotations };
    const outcome = inject(bare(), buildContext({ namespace }));
    if (outcome.kind !== "inject") throw new Error(`it is not injected: ${outcome.reason}`);
    expect(await refusals("revision", { object: outcome.pod })).toEqual([]);
  });
});

describe("changing", () => {
  const status = { annotations: { "bouncer.dev/status": "{}" } };
  const running = pod({}, status);
  const old = bare({ containers: [{ ...app, ...adds("NET_ADMIN") }] }, { finalizers: ["a/b"] });

  test.each<[string, unknown, unknown, readonly string[]]>([
    ["a pod from before the policy", old, { ...old, metadata: { name: "web" } }, []],
    [
      "the application's image",
      running,
      pod({ containers: [{ ...app, image: "app:2" }] }, status),
      [],
    ],
    ["labels", running, pod({}, { ...status, labels: { "bouncer.dev/inject": "false" } }), []],
    [
      "the bouncer's image",
      running,
      { ...withSidecar({ image: "evil" }), metadata: running.metadata },
      ["image"],
    ],
    [
      "the status",
      running,
      pod({}, { annotations: { "bouncer.dev/status": "{ }" } }),
      ["status_changed"],
    ],
    ["no status any more", running, pod(), ["status_changed"]],
    ["a status where there was none", pod(), running, ["status_changed"]],
  ])("%s", async (_case, oldObject, object, expected) => {
    expect(await refusals("revision", { object, oldObject })).toEqual(expected);
  });

  test.each<[string, Parts, readonly string[]]>([
    ["harmless", { targetContainerName: "app" }, []],
    ["NET_ADMIN", adds("NET_ADMIN"), ["capability"]],
    ["privileged", { securityContext: { privileged: true } }, ["privileged"]],
    ["called like ours", { ...redirect, name: "bouncer-redirect-2" }, ["capability"]],
    ["in the bouncer's processes", { targetContainerName: "bouncer-sidecar" }, ["debug_target"]],
    ["with the policy's volume", mounts("policy-cache", "/p"), ["volume"]],
  ])("an ephemeral container: %s", async (_case, part, expected) => {
    const ephemeralContainers = [{ name: "debug", image: "debug:1", ...part }];
    const labels = { "bouncer.dev/inject": "false" };
    const object = pod({ ephemeralContainers }, { ...status, labels });
    const asked = { object, oldObject: running, subResource: "ephemeralcontainers" };
    expect(await refusals("revision", asked)).toEqual(expected);
  });
});
