/** What the chart renders for the programs, read by the programs: goldens in charts/golden. */
import { readFile, readdir } from "node:fs/promises";
import { load, loadAll } from "js-yaml";
import * as v from "valibot";
import { expect, test } from "vitest";
import { parseConfig as parseBridgeConfig } from "../../bridge/src/config.ts";
import { parseConfig } from "./config.ts";
import { parseSettings } from "./settings.ts";

const golden = new URL("../../charts/golden/", import.meta.url);
const files = (await readdir(golden)).filter((file) => !file.endsWith(".values.yaml"));

const settingsSchema = v.object({
  kind: v.literal("ConfigMap"),
  data: v.object({ "settings.yaml": v.string() }),
});
const deploymentSchema = v.object({
  kind: v.literal("Deployment"),
  spec: v.object({
    template: v.object({
      spec: v.object({
        containers: v.tuple([
          v.object({
            name: v.string(),
            env: v.array(v.object({ name: v.string(), value: v.string() })),
          }),
        ]),
      }),
    }),
  }),
});

async function objects(file: string): Promise<unknown[]> {
  return loadAll(await readFile(new URL(file, golden), "utf8"));
}

test.each(files)("%s: the settings are accepted", async (file) => {
  const found = (await objects(file)).filter((object) => v.is(settingsSchema, object));
  expect(found).toHaveLength(1);
  const parsed = found.map((object) => parseSettings(load(object.data["settings.yaml"])));
  expect(parsed).toMatchObject([{ ok: true }]);
});

test.each(files)("%s: each program accepts its environment", async (file) => {
  const containers = (await objects(file))
    .filter((object) => v.is(deploymentSchema, object))
    .map((object) => object.spec.template.spec.containers[0]);
  const results = containers.map(({ name, env }) => {
    const environment = Object.fromEntries(env.map((variable) => [variable.name, variable.value]));
    return name === "bridge" ? parseBridgeConfig(environment) : parseConfig(environment);
  });
  expect(results.length).toBeGreaterThan(0);
  expect(results.filter(({ kind }) => kind !== "ok")).toEqual([]);
});
