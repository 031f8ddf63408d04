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
    { set: "bridge.bundle=policy.zip", says: "'/bridge/bundle'" },
    { set: "port=9090", says: "'/port'" },
    { set: "port=443", says: "'/port'" },
    { set: "bouncer.cacheTtl=-1", says: "'/bouncer/cacheTtl'" },
  ])("--set $set", async ({ set, says }) => {
    const { ok, stderr } = await render("--set", set);
    expect(ok).toBe(false);
    expect(stderr).toContain(says);
  });
});
