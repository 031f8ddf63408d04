/** The installation that a golden of the chart makes, so that the command line follows the chart. */
import { readdirSync, readFileSync } from "node:fs";
import { load, loadAll } from "js-yaml";
import * as v from "valibot";
import type { Installation } from "../../src/cli/installation.ts";
import { buildSettings } from "./context.ts";
import { buildInstallation, buildWebhook } from "./installation.ts";

const directory = new URL("../../../charts/golden/", import.meta.url);

const namedSchema = v.looseObject({
  kind: v.string(),
  metadata: v.looseObject({ name: v.string() }),
});
const requirement = v.object({
  key: v.string(),
  operator: v.string(),
  values: v.optional(v.array(v.string()), []),
});
const selectorSchema = v.object({ matchExpressions: v.array(requirement) });
const webhookSchema = v.looseObject({
  webhooks: v.array(
    v.looseObject({
      name: v.string(),
      clientConfig: v.object({ service: v.looseObject({ namespace: v.string() }) }),
      namespaceSelector: selectorSchema,
      objectSelector: v.optional(selectorSchema, { matchExpressions: [] }),
      matchConditions: v.optional(
        v.array(v.object({ name: v.string(), expression: v.string() })),
        [],
      ),
    }),
  ),
});
const deploymentSchema = v.object({
  spec: v.object({
    template: v.object({
      spec: v.object({
        containers: v.array(
          v.object({
            env: v.array(v.object({ name: v.string(), value: v.optional(v.string(), "") })),
          }),
        ),
      }),
    }),
  }),
});
const settingsSchema = v.object({ data: v.object({ "settings.yaml": v.string() }) });
const roleSchema = v.object({
  rules: v.array(
    v.object({
      apiGroups: v.optional(v.array(v.string()), []),
      resources: v.optional(v.array(v.string()), []),
      resourceNames: v.optional(v.array(v.string()), [""]),
      verbs: v.array(v.string()),
    }),
  ),
});

function readGolden(golden: string) {
  const text = readFileSync(new URL(`${golden}.yaml`, directory), "utf8");
  return loadAll(text).flatMap((value) => {
    const parsed = v.safeParse(namedSchema, value);
    return parsed.success ? [parsed.output] : [];
  });
}

export const goldens: readonly string[] = readdirSync(directory)
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".values.yaml"))
  .map((file) => file.replace(".yaml", ""));

export function readChart(golden: string): Installation {
  const objects = readGolden(golden);
  const find = (kind: string, name?: string) =>
    objects.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  const configuration = find("MutatingWebhookConfiguration");
  const name = configuration?.metadata.name ?? "";
  const [webhook] = v.parse(webhookSchema, configuration).webhooks;
  const { spec } = v.parse(deploymentSchema, find("Deployment", name)).spec.template;
  const env = spec.containers[0]?.env ?? [];
  const { namespaceSelector, objectSelector, matchConditions = [] } = webhook ?? {};
  const configMap = v.parse(settingsSchema, find("ConfigMap", `${name}-settings`));
  const settings = buildSettings(load(configMap.data["settings.yaml"]));
  return buildInstallation({
    name,
    namespace: webhook?.clientConfig.service.namespace ?? "",
    settings,
    revision: settings.revision,
    configuration: { metadata: { name } },
    environment: Object.fromEntries(env.map((one) => [one.name, one.value])),
    webhook: buildWebhook({
      ...(namespaceSelector !== undefined && { namespaceSelector }),
      ...(objectSelector !== undefined && { objectSelector }),
      matchConditions,
    }),
  });
}

const addressed = v.looseObject({
  apiVersion: v.string(),
  kind: v.string(),
  metadata: v.looseObject({
    name: v.string(),
    namespace: v.optional(v.string()),
    annotations: v.optional(v.record(v.string(), v.unknown()), {}),
  }),
});

/** All that the golden has, by the path that the API server has it under. */
export function readObjects(golden: string): ReadonlyMap<string, object> {
  const objects = readGolden(golden)
    .map((value) => v.parse(addressed, value))
    .filter(({ metadata }) => !Object.keys(metadata.annotations).includes("helm.sh/hook"));
  return new Map(
    objects.map((object) => {
      const { apiVersion, kind, metadata } = object;
      const root = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
      const where = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
      return [`${root}${where}/${kind.toLowerCase()}s/${metadata.name}`, object];
    }),
  );
}

/** What the roles of that name grant: `get secrets/name`, sorted. */
export function readGrants(golden: string, name: string): string[] {
  const roles = readGolden(golden).filter(
    ({ kind, metadata }) => ["Role", "ClusterRole"].includes(kind) && metadata.name === name,
  );
  const grants = roles.flatMap((role) =>
    v
      .parse(roleSchema, role)
      .rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((one) =>
              verbs.map((verb) => `${verb} ${group} ${resource} ${one}`),
            ),
          ),
        ),
      ),
  );
  return grants.toSorted();
}
