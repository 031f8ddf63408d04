/** Story 11: what happened to my pod, and why: the answers of the command line and of the cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { apply, kubectl, pod, rolledOut, tryKubectl, waitReady } from "./kubernetes.ts";
import { kubectlBouncer } from "./kubectl-bouncer.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { barePod, deployment } from "./workloads.ts";

const { appImage: image } = readEnvironment();
let namespace = "";
let unlabelled = "";

beforeAll(async () => {
  namespace = await createNamespace("answers", injected);
  unlabelled = await createNamespace("unlabelled");
  const container = { readinessProbe: { httpGet: { path: "/health", port: "http" } } };
  await apply(deployment(namespace, "orders", { image, container }));
  await apply(barePod(unlabelled, "orders", { image }));
  await rolledOut(namespace, "deployment/orders");
  await waitReady(unlabelled, "app=orders");
});

afterAll(async () => {
  await Promise.all([deleteNamespace(namespace), deleteNamespace(unlabelled)]);
});

/** A server-side dry run of a Deployment, as `kubectl apply` shows it. */
async function applied(annotations: Readonly<Record<string, string>>) {
  const object = deployment(namespace, "warned", { image, annotations });
  return tryKubectl("apply --dry-run=server -f -", { input: JSON.stringify(object) });
}

async function eventsOf(name: string): Promise<string> {
  const selector = `involvedObject.kind=Deployment,involvedObject.name=${name}`;
  const reasons = "jsonpath={.items[*].reason}";
  return kubectl(`get events -n ${namespace} --field-selector ${selector} -o ${reasons}`);
}

describe("explain", () => {
  test("a pod that was injected", async () => {
    const { metadata } = await pod(namespace, "app=orders");
    const { code, stdout } = await kubectlBouncer(`explain pod/${metadata.name} -n ${namespace}`);
    expect(stdout).toContain("injected");
    expect(code).toBe(0);
  });

  test("a Deployment, as JSON", async () => {
    const { code, stdout } = await kubectlBouncer(
      `explain deployment/orders -n ${namespace} -o json`,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toBeTypeOf("object");
  });

  test("a pod of a namespace without the label: the first rule that stopped it, and the fix", async () => {
    const { code, stdout } = await kubectlBouncer(`explain pod/orders -n ${unlabelled}`);
    expect(code).toBe(3);
    expect(stdout).toContain("bouncer-injection");
    expect(stdout).toContain("kubectl label namespace");
  });

  test("a pod that opts out, before it is created", async () => {
    const file = barePod(namespace, "out", {
      image,
      annotations: { "bouncer.dev/inject": "false" },
    });
    const { code, stdout } = await kubectlBouncer("explain -f -", JSON.stringify(file));
    expect(code).toBe(3);
    expect(stdout).toContain("bouncer.dev/inject");
  });

  test("a pod that is not there", async () => {
    const { code, stderr } = await kubectlBouncer(`explain pod/nobody -n ${namespace}`);
    expect(code).toBe(1);
    expect(stderr).toContain("nobody");
  });
});

test("check finds a sound installation", async () => {
  const { code, stdout } = await kubectlBouncer("check");
  expect(stdout).toContain(" 0 failures");
  expect(code).toBe(0);
});

describe("diagnose", () => {
  test("a sound pod: every row is good", async () => {
    const { metadata } = await pod(namespace, "app=orders");
    const { code, stdout } = await kubectlBouncer(`diagnose ${metadata.name} -n ${namespace}`);
    expect(stdout).not.toMatch(/\b(fail|unknown)\b/i);
    expect(code).toBe(0);
  });

  test("a pod whose application is down: it says so, and that the bouncer is not", async () => {
    const down = { command: ["node", "-e", "setInterval(() => {}, 1 << 30)"] };
    await apply(barePod(namespace, "down", { image, container: down }));
    await waitReady(namespace, "app=down");
    const { code, stdout } = await kubectlBouncer(`diagnose down -n ${namespace} -o json`);
    expect(code).toBe(3);
    expect(stdout).toContain("ECONNREFUSED");
  });

  test("a pod without a bouncer", async () => {
    const { code, stdout } = await kubectlBouncer(`diagnose orders -n ${unlabelled}`);
    expect(code).toBe(3);
    expect(stdout).toContain("explain");
  });
});

describe("who applies a workload is told at once", () => {
  test("that its pods will be refused, and why", async () => {
    const { code, stderr } = await applied({ "bouncer.dev/preset": "huge" });
    expect(code).toBe(0);
    expect(stderr).toMatch(/Warning: .*bouncer\.dev\/preset.*"huge"/);
  });

  test("of a misspelt annotation", async () => {
    const { stderr } = await applied({ "bouncer.dev/prest": "small" });
    expect(stderr).toContain("did you mean bouncer.dev/preset?");
  });

  test("of an annotation that is the operator's", async () => {
    const { stderr } = await applied({ "bouncer.dev/shadow": "true" });
    expect(stderr).toContain("allowedPodAnnotations");
  });

  test("nothing, when all is well", async () => {
    const { stderr } = await applied({ "bouncer.dev/preset": "large" });
    expect(stderr).toBe("");
  });
});

describe("events on the workload", () => {
  test("a Deployment whose pods were injected", async () => {
    await eventually(async () => expect(await eventsOf("orders")).toContain("BouncerInjected"));
  });

  test("a Deployment whose pods are refused", async () => {
    await apply(
      deployment(namespace, "refused", { image, annotations: { "bouncer.dev/preset": "huge" } }),
    );
    await eventually(async () => expect(await eventsOf("refused")).toContain("BouncerDenied"));
  });

  test("a Deployment whose pods are left out by the network they use", async () => {
    const object = deployment(namespace, "host", { image });
    const spec = object["spec"] as { template: { spec: object } };
    spec.template.spec = { ...spec.template.spec, hostNetwork: true };
    const { stderr } = await tryKubectl("apply --dry-run=server -f -", {
      input: JSON.stringify(object),
    });
    expect(stderr).toContain("network of its node");
  });
});
