/**
 * What the chart renders, against goldens (`make golden` writes them anew), and what it refuses.
 * Each `golden/<case>.values.yaml` is a case.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
const chart = `${here}bouncer-injector`;
const golden = `${here}golden`;

interface Result {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

function helm(...args: readonly string[]): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  execFile("helm", args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
    if (error?.code === "ENOENT") {
      reject(new Error("Cannot test the chart: helm is not on PATH (make check builds it)"));
    } else {
      resolve({ ok: error === null, stdout, stderr });
    }
  });
  return promise;
}

async function render(...args: readonly string[]): Promise<Result> {
  const release = ["bouncer-injector", chart, "--namespace", "bouncer-system"];
  return helm("template", ...release, "--kube-version", "1.34.0", ...args);
}

const cases = (await readdir(golden))
  .filter((file) => file.endsWith(".values.yaml"))
  .map((file) => file.slice(0, -".values.yaml".length));

describe("rendered", () => {
  test.each(cases)("%s", async (name) => {
    const result = await render("--values", `${golden}/${name}.values.yaml`);
    expect(result.stderr).toBe("");
    await expect(result.stdout).toMatchFileSnapshot(`${golden}/${name}.yaml`);
  });

  test("every golden has a case", async () => {
    const rendered = (await readdir(golden)).filter((file) => !file.endsWith(".values.yaml"));
    expect(rendered.toSorted()).toEqual(cases.map((name) => `${name}.yaml`).toSorted());
  });

  test("the defaults are the case default", async () => {
    const [defaults, named] = await Promise.all([
      render(),
      render("--values", `${golden}/default.values.yaml`),
    ]);
    expect(defaults.stdout).toBe(named.stdout);
  });

  test("no key, certificate or caBundle comes from Helm", async () => {
    const { stdout } = await render();
    expect(stdout).not.toMatch(/^ +caBundle:|PRIVATE KEY|BEGIN CERTIFICATE/m);
    const secrets = stdout.split("\n---\n").filter((text) => text.includes("\nkind: Secret\n"));
    expect(secrets).toHaveLength(2);
    expect(secrets.join("\n")).not.toMatch(/^(data|stringData):/m);
  });

  test("twice the same: nothing in it is random", async () => {
    const [first, second] = await Promise.all([render(), render()]);
    expect(first.stdout).toBe(second.stdout);
  });

  test("without CEL in the cluster, there are no match conditions", async () => {
    const { stdout } = await render("--kube-version", "1.29.4");
    expect(stdout).toContain("objectSelector:");
    expect(stdout).not.toContain("matchConditions:");
  });

  test("who may not opt out is not left out by the label, with CEL or without", async () => {
    const selector = ["--set", "injection.alwaysSelector.matchLabels.exposed=yes"];
    const [old, current] = await Promise.all([
      render(...selector, "--kube-version", "1.29.4"),
      render(...selector),
    ]);
    expect(old.stdout).not.toMatch(/objectSelector:|matchConditions:/);
    expect(current.stdout).not.toContain("objectSelector:");
    expect(current.stdout).toContain("- name: not-opted-out");
  });

  test("what a label selector says cannot end its text", async () => {
    const selector = JSON.stringify({ matchLabels: { 'a" || true || "': "b" } });
    const value = `injection.neverSelector=${selector}`;
    const { stdout } = await render("--skip-schema-validation", "--set-json", value);
    expect(stdout).toContain(String.raw`"a\" || true || \"" in object.metadata.labels`);
  });
});

describe("names", () => {
  interface Release {
    readonly name: string;
    readonly namespace: string;
    readonly revision: string;
  }

  const everything = ["bypassPolicy", "networkPolicy", "prometheusRule"]
    .map((part) => `${part}.enabled=true`)
    .join(",");

  /** Kind, namespace and name of every object but those of `helm test`, which are gone after it. */
  async function identities({ name, namespace, revision }: Release): Promise<string[]> {
    const release = ["template", name, chart, "--namespace", namespace, "--no-hooks"];
    const values = `revision=${revision},${everything}`;
    const { stdout } = await helm(...release, "--kube-version", "1.34.0", "--set", values);
    return stdout
      .split(/^---$/m)
      .filter((text) => text.includes("\nkind: "))
      .map((text) =>
        [/^kind: .*$/m, /^ {2}namespace: .*$/m, /^ {2}name: .*$/m]
          .map((pattern) => pattern.exec(text)?.[0].trim() ?? "none")
          .join(", "),
      );
  }

  const first = { name: "bouncer-injector", namespace: "bouncer-system", revision: "" };
  const long = "a".repeat(52);

  test.each<[string, Release, Release]>([
    ["another namespace", first, { ...first, namespace: "bouncer-canary", revision: "canary" }],
    ["the same namespace", first, { ...first, name: "canary", revision: "canary" }],
    ["the revision in the name", first, { ...first, name: "bouncer-canary", revision: "canary" }],
    ["long", { ...first, name: `${long}1` }, { ...first, name: `${long}2` }],
    ["long revisions", first, { ...first, revision: "one-that-is-exactly-forty-letters-long-a" }],
  ])("no two releases have an object in common: %s", async (_case, one, other) => {
    const [left, right] = await Promise.all([identities(one), identities(other)]);
    expect(left.length).toBeGreaterThan(15);
    expect(right).toHaveLength(left.length);
    expect(left.filter((identity) => right.includes(identity))).toEqual([]);
  });

  test("a revision that the release's name ends with is not repeated", async () => {
    const release = ["template", "bouncer-injector-canary", chart];
    const { stdout } = await helm(...release, "--set", "revision=canary");
    expect(stdout).toContain("name: bouncer-injector-canary-bridge\n");
  });
});

describe("linted", () => {
  test.each(cases)("%s", async (name) => {
    const values = `${golden}/${name}.values.yaml`;
    const { ok, stdout } = await helm("lint", "--strict", chart, "--values", values);
    expect(stdout).toContain("0 chart(s) failed");
    expect(ok).toBe(true);
  });
});

describe("refused", () => {
  test.each([
    { set: "replica=3", says: "additional properties 'replica' not allowed" },
    { set: "bridge.enable=true", says: "'/bridge': additional properties 'enable' not allowed" },
    { set: "bouncer.policy.url=x", says: "'/bouncer/policy': additional properties 'url'" },
    { set: "bouncer.presets.tiny.limits.cpu=1", says: "'/bouncer/presets': additional" },
    { set: "image.digest=x", says: "'/image': additional properties 'digest' not allowed" },
    { set: "webhook.failurePolicy=Maybe", says: "'/webhook/failurePolicy': value must be one of" },
    { set: "bouncer.preset=huge", says: "'/bouncer/preset': value must be one of" },
    { set: "bouncer.policy.decisionPath=/allow", says: "'/bouncer/policy/decisionPath'" },
    { set: "bouncer.policy.bundleUrl=ftp://x", says: "'/bouncer/policy/bundleUrl'" },
    { set: "bouncer.policy.bundleUrl=https://a/b\\,ftp://x", says: "'/bouncer/policy/bundleUrl'" },
    { set: "bouncer.policy.verification.keyId=k", says: "'/bouncer/policy/verification'" },
    {
      set: "bouncer.policy.verification.keys[0].key=k",
      says: "'/bouncer/policy/verification/keys/0': missing property 'keyId'",
    },
    { set: "bouncer.policy.persist=maybe", says: "'/bouncer/policy/persist'" },
    {
      set: "bouncer.policy.evaluation.timeoutMs=0",
      says: "'/bouncer/policy/evaluation/timeoutMs'",
    },
    { set: "bouncer.policy.evaluation.memoryMiB=4096", says: "evaluation/memoryMiB'" },
    { set: "bouncer.policy.decisionTimeoutMs=1s", says: "'/bouncer/policy/decisionTimeoutMs'" },
    { set: "bouncer.policy.http.allow={https://a b}", says: "'/bouncer/policy/http/allow/0'" },
    { set: "bouncer.policy.http.deny={none}", says: "'/bouncer/policy/http/deny/0'" },
    { set: "bridge.bundle=policy.zip", says: "'/bridge/bundle'" },
    { set: "port=9090", says: "'/port'" },
    { set: "port=443", says: "'/port'" },
    { set: "bouncer.cacheTtl=-1", says: "'/bouncer/cacheTtl'" },
    { set: "revision=Canary", says: "'/revision'" },
    { set: "bouncer.mode=proxy", says: "'/bouncer/mode': value must be one of" },
    { set: "bouncer.nativeSidecar=maybe", says: "'/bouncer/nativeSidecar': value must be one of" },
    { set: "bouncer.excludedPorts={http}", says: "'/bouncer/excludedPorts/0'" },
    { set: "bouncer.excludedSourceCidrs={everyone}", says: "'/bouncer/excludedSourceCidrs/0'" },
    { set: "bouncer.degradedRoutes={/health}", says: "'/bouncer/degradedRoutes/0'" },
    { set: "bouncer.degradedRoutes={GET /a*b}", says: "'/bouncer/degradedRoutes/0'" },
    { set: "bouncer.via=two words", says: "'/bouncer/via'" },
    { set: "bouncer.longLivedStreams=drop", says: "'/bouncer/longLivedStreams'" },
    { set: "bouncer.threads=0", says: "'/bouncer/threads'" },
    { set: "bouncer.audit.mode=none", says: "'/bouncer/audit/mode': value must be one of" },
    { set: "bouncer.audit.masks={headers}", says: "'/bouncer/audit/masks/0'" },
    { set: "injection.hostNetwork=allow", says: "'/injection/hostNetwork': value must be one of" },
    {
      set: "injection.allowedPodAnnotations={inject}",
      says: "'/injection/allowedPodAnnotations/0'",
    },
    { set: "injection.neverSelector.app=web", says: "'/injection/neverSelector': additional" },
    { set: "injection.neverSelector.matchLabels.app=a b", says: "matchLabels/app'" },
    {
      set: "injection.alwaysSelector.matchExpressions[0].key=a,injection.alwaysSelector.matchExpressions[0].operator=In",
      says: "'/injection/alwaysSelector/matchExpressions/0'",
    },
    { set: "reconciler.intervalSeconds=0", says: "'/reconciler/intervalSeconds'" },
    { set: "reconciler.evictionsPerInterval=0", says: "'/reconciler/evictionsPerInterval'" },
    {
      set: "bypassPolicy.validationActions={Deny,Warn}",
      says: "'/bypassPolicy/validationActions'",
    },
    { set: "bypassPolicy.validationActions={Log}", says: "'/bypassPolicy/validationActions/0'" },
    { set: "bypassPolicy.exempt[0].podSelector.matchLabels.a=b", says: "'/bypassPolicy/exempt/0'" },
  ])("--set $set", async ({ set, says }) => {
    const { ok, stderr } = await render("--set", set);
    expect(ok).toBe(false);
    expect(stderr).toContain(says);
  });

  test("a bypass policy that the cluster could not have", async () => {
    const { ok, stderr } = await render(
      "--set",
      "bypassPolicy.enabled=true",
      "--kube-version=1.29.4",
    );
    expect(ok).toBe(false);
    expect(stderr).toContain("Cannot use bypassPolicy.enabled with Kubernetes v1.29.4");
  });
});
