/** A namespace for each story, so that stories do not see each other. */
import { eventually } from "./eventually.ts";
import { apply, dryRun, kubectl } from "./kubernetes.ts";

const testLabel = "bouncer.dev/e2e";

/** Creates a namespace whose name starts with `story`; `labels` may switch injection on. */
export async function createNamespace(
  story: string,
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = {},
): Promise<string> {
  const name = `e2e-${story}-${Date.now().toString(36)}`;
  await apply({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { [testLabel]: "true", ...labels }, annotations } as { name: string },
  });
  // Pods need the namespace's service account, which a controller makes a moment later.
  await kubectl(`wait serviceaccount/default -n ${name} --for=create --timeout=60s`);
  // An injector that an earlier story has just started may not be reachable by its Service yet.
  await eventually(() => admits(name));
  return name;
}

async function admits(namespace: string): Promise<void> {
  // As the strictest Pod Security level wants it.
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  const spec = { containers: [{ name: "app", image: "none", securityContext }] };
  const metadata = { name: "admitted", namespace };
  const { code, stderr } = await dryRun({ apiVersion: "v1", kind: "Pod", metadata, spec });
  if (code !== 0) throw new Error(stderr);
}

export const injected = { "bouncer-injection": "enabled" } as const;

export async function deleteNamespace(name: string): Promise<void> {
  await kubectl(`delete namespace ${name} --wait=false --ignore-not-found`);
}

/** What an aborted run left behind. */
export async function deleteLeftovers(): Promise<void> {
  await kubectl(`delete namespace -l ${testLabel}=true --wait=false`);
}
