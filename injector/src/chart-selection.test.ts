/**
 * The API server leaves out what the injector would leave out, and nothing else: selectors and CEL of
 * the chart (goldens in charts/golden), replayed, against our own decision.
 */
import { readFile } from "node:fs/promises";
import { load, loadAll } from "js-yaml";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { buildContext, buildSettings } from "../test/support/context.ts";
import { rules } from "./admission/decide.ts";
import { replayMatching, summarize } from "./cli/explain/matching.ts";
import { inject } from "./inject/pod.ts";

const golden = new URL("../../charts/golden/", import.meta.url);

const webhooksSchema = v.object({
  kind: v.literal("MutatingWebhookConfiguration"),
  webhooks: v.array(v.looseObject({ name: v.string() })),
});
const settingsSchema = v.object({
  kind: v.literal("ConfigMap"),
  data: v.object({ "settings.yaml": v.string() }),
});

async function readChart(name: string) {
  const objects = loadAll(await readFile(new URL(`${name}.yaml`, golden), "utf8"));
  const webhook = objects
    .filter((object) => v.is(webhooksSchema, object))
    .flatMap(({ webhooks }) => webhooks)
    .find((one) => one.name === "injector.bouncer.dev");
  const file = objects.find((object) => v.is(settingsSchema, object));
  if (webhook === undefined || file === undefined) throw new Error(`${name}: not as expected`);
  const settings = buildSettings(load(file.data["settings.yaml"]));
  return {
    webhook: { admissionReviewVersions: [], clientConfig: {}, sideEffects: "", ...webhook },
    settings,
  };
}

/** Every choice of one of each. */
function combine<Value>(choices: readonly (readonly Value[])[]): Value[][] {
  return choices.reduce<Value[][]>(
    (sofar, values) => sofar.flatMap((some) => values.map((value) => [...some, value])),
    [[]],
  );
}

const none: readonly [string, string][] = [];
const one = (key: string, value: string): readonly [string, string][] => [[key, value]];

const labelChoices = combine([
  [none, one("bouncer.dev/inject", "false"), one("bouncer.dev/inject", "no")],
  [none, one("exposed", "true"), one("exposed", "yes")],
  [none, one("app.kubernetes.io/name", "probe"), one("app.kubernetes.io/name", "web")],
  [none, one("internal", "")],
  [none, one("tier", "infra"), one("tier", "web")],
  [none, one("example.com/owner", "")],
]).map((entries) => Object.fromEntries(entries.flat()));

const pods = labelChoices.flatMap((labels) =>
  [null, { "bouncer.dev/inject": "false" }, { "bouncer.dev/inject": "true" }].flatMap(
    (annotations) =>
      [null, true].map((hostNetwork) => ({
        metadata: {
          name: "web",
          labels: Object.keys(labels).length === 0 ? null : labels,
          annotations,
        },
        spec: { hostNetwork, containers: [{ name: "web", ports: [{ containerPort: 3000 }] }] },
      })),
  ),
);

const enabled = { "bouncer-injection": "enabled" };
const namespaces: readonly [name: string, labels: Readonly<Record<string, string>>][] = [
  ["shop", enabled],
  ["shop", {}],
  ["shop", { "bouncer-injection": "disabled" }],
  ["shop", { ...enabled, "bouncer.dev/rev": "canary" }],
  ["shop", { ...enabled, "bouncer.dev/rev": "stable" }],
  ["vendor", enabled],
  ["kube-system", enabled],
  ["bouncer-system", enabled],
];

/** Reasons of which the table says that the API server has them already. */
const early = new Set(
  rules.filter(({ early: where }) => where !== null).map(({ verdict }) => verdict.reason),
);

describe.each(["default", "enforced", "selectors", "revision"])("%s", async (name) => {
  const { webhook, settings } = await readChart(name);

  test.each(namespaces)("namespace %s %o", (namespace, labels) => {
    const context = buildContext({
      settings,
      namespace: { name: namespace, labels, annotations: {} },
    });
    const differing = pods.filter((pod) => {
      const outcome = inject(pod, context);
      const steps = replayMatching(webhook, {
        pod,
        labels: pod.metadata.labels ?? {},
        namespace,
        namespaceLabels: { ...labels, "kubernetes.io/metadata.name": namespace },
      });
      const isLeftOut = outcome.kind === "skip" && early.has(outcome.reason);
      return summarize(steps) !== (isLeftOut ? "no" : "yes");
    });
    expect(differing.slice(0, 3)).toEqual([]);
  });
});
