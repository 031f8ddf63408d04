/** The product, installed the way README says, and the policy that the stories run under. */
import { fileURLToPath } from "node:url";
import { bridgeName, policyConfigMap, release } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { kubectl, pods, rolledOut } from "./kubernetes.ts";
import { run } from "./program.ts";

const chart = fileURLToPath(new URL("../charts/bouncer-injector", import.meta.url));

function imageValues(environment: Environment): readonly string[] {
  const set = (prefix: string, image: string): readonly string[] => {
    const colon = image.lastIndexOf(":");
    return [
      `${prefix}.repository=${image.slice(0, colon)}`,
      `${prefix}.tag=${image.slice(colon + 1)}`,
      `${prefix}.pullPolicy=IfNotPresent`,
    ];
  };
  return [
    ...set("image", environment.injectorImage),
    ...set("bouncer.image", environment.bouncerImage),
  ].flatMap((value) => ["--set-string", value]);
}

/** `helm upgrade --install`, and everything of ours running. */
export async function install(
  environment: Environment,
  extra: readonly string[] = [],
): Promise<void> {
  await run(
    "helm",
    [
      ...["upgrade", "--install", release.name, chart],
      ...["--namespace", release.namespace, "--create-namespace"],
      ...imageValues(environment),
      ...extra,
    ],
    { timeoutMs: 240_000 },
  );
  await ready();
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
  const manifest = await kubectl([
    ...["create", "configmap", policyConfigMap, "-n", release.namespace],
    ...["--dry-run=client", "-o", "json", ...files],
  ]);
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], { input: manifest });
  await Promise.all(
    (await bridgePods()).map((pod) =>
      kubectl([
        ...["annotate", "pod", "--overwrite", "-n", release.namespace, pod.metadata.name],
        `bouncer.dev/e2e-refreshed=${Date.now()}`,
      ]),
    ),
  );
}

export async function bridgePods() {
  return pods(release.namespace, "app.kubernetes.io/component=bridge");
}

export async function scale(deployment: string, replicas: number): Promise<void> {
  await kubectl([
    ...["scale", "deployment", deployment, "-n", release.namespace],
    `--replicas=${replicas}`,
  ]);
  await kubectl(
    ["wait", `deployment/${deployment}`, "-n", release.namespace, "--timeout=120s"].concat(
      `--for=jsonpath={.status.replicas}=${replicas}`,
    ),
  ).catch(async (error: unknown) => {
    // A field that is zero is left out, which `kubectl wait` cannot ask for.
    if (replicas !== 0) throw error;
    await kubectl(["wait", "pod", "-n", release.namespace, "--for=delete", "--timeout=120s"].concat(
      ["-l", `app.kubernetes.io/component=${deployment === bridgeName ? "bridge" : "injector"}`],
    ));
  });
}
