/** Story 15: pods as people and charts write them: what a real API server makes of them, injected. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { inject } from "../injector/src/inject/pod.ts";
import { buildContext } from "../injector/test/support/context.ts";
import { creatablePods } from "../injector/test/support/corpus.ts";
import { dryRun, initContainerNames } from "./kubernetes.ts";
import type { Manifest, Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";

let namespace = "";

beforeAll(async () => {
  namespace = await createNamespace("corpus", injected);
});

afterAll(async () => {
  await deleteNamespace(namespace);
});

/** With the API server's own word for it, where that is one. */
async function ask(manifest: Manifest): Promise<string> {
  const { metadata } = manifest;
  const { code, stdout, stderr } = await dryRun({
    ...manifest,
    metadata: { ...metadata, namespace },
  });
  if (code !== 0) return stderr.includes("denied the request") ? "deny" : stderr;
  const pod = JSON.parse(stdout) as Pod;
  return initContainerNames(pod).includes("bouncer-sidecar") ? "inject" : "skip";
}

test.concurrent.each(creatablePods)("%s", async (_, pod) => {
  const expected = inject(pod, buildContext()).kind;
  expect(await ask(pod as Manifest)).toBe(expected);
});
