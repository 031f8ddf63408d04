/** The manifests in test/corpus, and the pods in them. */
import { readdirSync, readFileSync } from "node:fs";
import { readDocuments } from "../../src/cli/documents.ts";
import { changeWorkloads } from "../../src/cli/workloads.ts";

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
