/** The product, installed the way README says, and the policy that the stories run under. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bridgeName, policyConfigMap, release } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { execute, kubectl, pods, rolledOut } from "./kubernetes.ts";
import { run } from "./program.ts";

const chart = fileURLToPath(new URL("../charts/bouncer-injector", import.meta.url));

/** Chart values under `prefix` for an image reference `name:tag`. */
function imageValues(prefix: string, image: string): string {
  const colon = image.lastIndexOf(":");
  const values = [
    `${prefix}.repository=${image.slice(0, colon)}`,
    `${prefix}.tag=${image.slice(colon + 1)}`,
    `${prefix}.pullPolicy=IfNotPresent`,
  ];
  return `--set-string ${values.join(",")}`;
}

interface Release {
  readonly name: string;
  readonly namespace: string;
}

async function upgrade(
  { name, namespace }: Release,
  environment: Environment,
  extra: readonly string[],
): Promise<void> {
  const command = [
    `upgrade --install ${name} ${chart}`,
    `--namespace ${namespace} --create-namespace`,
    imageValues("image", environment.injectorImage),
    imageValues("bouncer.image", environment.bouncerImage),
    ...extra.filter((text) => text !== ""),
  ];
  await run("helm", command.join(" "), { timeoutMs: 240_000 });
}

/** `helm upgrade --install`, and everything of ours running. */
export async function install(environment: Environment, extra = ""): Promise<void> {
  await upgrade(release, environment, [extra]);
  await ready();
}

/** A second installation, in charge of the namespaces with its revision. */
export async function installBeside(
  environment: Environment,
  second: Release & { readonly revision: string },
  extra = "",
): Promise<void> {
  const { name, namespace, revision } = second;
  const one = "--set replicas=1,bridge.replicas=1";
  await upgrade(second, environment, [`--set revision=${revision}`, one, extra]);
  await rolledOut(namespace, `deployment/${name}`);
  await rolledOut(namespace, `deployment/${name}-bridge`);
}

export async function uninstallBeside({ name, namespace }: Release): Promise<void> {
  await run("helm", `uninstall ${name} -n ${namespace} --ignore-not-found --wait`, {
    timeoutMs: 200_000,
  });
}

/** Both Deployments are rolled out. */
export async function ready(): Promise<void> {
  await rolledOut(release.namespace, `deployment/${release.name}`);
  await rolledOut(release.namespace, `deployment/${bridgeName}`);
}

/**
 * Replaces the bundles in the ConfigMap: file name to path of the bundle. The kubelet refreshes
 * mounted ConfigMaps about once a minute, and at once when the pod's annotations change.
 */
export async function publish(bundles: Readonly<Record<string, string>>): Promise<void> {
  const files = Object.entries(bundles).map(([name, path]) => `--from-file=${name}=${path}`);
  const namespaced = `-n ${release.namespace}`;
  const manifest = await kubectl(
    `create configmap ${policyConfigMap} ${namespaced} --dry-run=client -o json ${files.join(" ")}`,
  );
  await kubectl("apply --server-side --force-conflicts -f -", { input: manifest });
  const refreshed = `bouncer.dev/e2e-refreshed=${Date.now()}`;
  await Promise.all(
    (await bridgePods()).map(({ metadata }) =>
      kubectl(`annotate pod --overwrite ${namespaced} ${metadata.name} ${refreshed}`),
    ),
  );
}

/** Resolves when the ConfigMap has reached every replica of the bridge. */
export async function reachedBridge(bundle: string, path: string): Promise<void> {
  const sha256 = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  const script = `console.log(require("crypto").createHash("sha256").update(require("fs").readFileSync(process.env.BRIDGE_BUNDLE_DIRECTORY + "/${bundle}")).digest("hex"))`;
  await eventually(
    async () => {
      for (const object of await bridgePods()) {
        const found = (await execute(object, "bridge", ["node", "-e", script])).trim();
        if (found !== sha256) throw new Error(`${bundle} at the bridge is ${found}, not ${sha256}`);
      }
    },
    { timeoutMs: 150_000, intervalMs: 200 },
  );
}

const componentLabel = "app.kubernetes.io/component";

export async function bridgePods() {
  return pods(release.namespace, `${componentLabel}=bridge`);
}

/** Scales a component to zero, and waits until its pods are gone. */
export async function stop(component: "injector" | "bridge"): Promise<void> {
  const selector = `-n ${release.namespace} -l ${componentLabel}=${component}`;
  await kubectl(`scale deployment ${selector} --replicas=0`);
  await kubectl(`wait pod ${selector} --for=delete --timeout=120s`);
}

/** Scales a component back to what the chart says by default. */
export async function start(component: "injector" | "bridge"): Promise<void> {
  const selector = `-n ${release.namespace} -l ${componentLabel}=${component}`;
  await kubectl(`scale deployment ${selector} --replicas=2`);
  await ready();
}
