/** The manifests in test/corpus, and the pods in them. */
import { readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { readDocuments } from "../../src/cli/documents.ts";
import { changeWorkloads } from "../../src/cli/workloads.ts";
import { largePods } from "./large-pods.ts";

const directory = new URL("../corpus/", import.meta.url);

export const corpusFiles: readonly { readonly file: string; readonly text: string }[] = readdirSync(
  directory,
).map((file) => ({ file, text: readFileSync(new URL(file, directory), "utf8") }));

/** Every pod and pod template, by file and object. */
export const corpusPods: readonly (readonly [title: string, pod: unknown])[] = corpusFiles.flatMap(
  ({ file, text }) => {
    const read = readDocuments(text);
    if (!read.ok) throw new Error(`${file}: ${read.problems.join("\n")}`);
    const pods: (readonly [string, unknown])[] = [];
    for (const { value } of read.documents) {
      changeWorkloads(value, (pod, { title }) => {
        pods.push([`${file}: ${title}`, pod]);
        return null;
      });
    }
    return pods;
  },
);

const named = v.nullish(v.array(v.looseObject({ name: v.string() })));
const containers = v.array(v.looseObject({ volumeMounts: named }));
const template = v.looseObject({
  metadata: v.nullish(
    v.object({ labels: v.optional(v.unknown()), annotations: v.optional(v.unknown()) }),
  ),
  spec: v.looseObject({ containers, initContainers: v.nullish(containers), volumes: named }),
});

/** What a pod may not say where nobody has created it: accounts, classes, and its own history. */
const clusterFields = [
  "nodeName",
  "priorityClassName",
  "priority",
  "runtimeClassName",
  "serviceAccount",
  "serviceAccountName",
];

/**
 * Each of them as a Pod that can be created in any namespace of any cluster, named `corpus-N`, to
 * ask a real API server what it thinks of it: without what it would have to find there, and with
 * the volumes that a StatefulSet would add from its claims.
 */
export const creatablePods: readonly (readonly [title: string, pod: object])[] = [
  ...corpusPods,
  ...largePods,
].map(([title, value], index) => {
  const { metadata, spec: given } = v.parse(template, value);
  const spec: Record<string, unknown> = { ...given };
  for (const field of clusterFields) delete spec[field];
  const volumes = given.volumes ?? [];
  const mounts = [...given.containers, ...(given.initContainers ?? [])].flatMap(
    ({ volumeMounts }) => volumeMounts ?? [],
  );
  const known = new Set(volumes.map(({ name }) => name));
  const missing = new Set(mounts.map(({ name }) => name).filter((name) => !known.has(name)));
  const claimed = [...missing].map((name) => ({ name, emptyDir: {} }));
  if (claimed.length > 0) spec["volumes"] = [...volumes, ...claimed];
  const { labels, annotations } = metadata ?? {};
  const created = { name: `corpus-${index}`, labels, annotations };
  return [title, { apiVersion: "v1", kind: "Pod", metadata: created, spec }];
});
