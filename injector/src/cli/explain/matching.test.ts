import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryPod } from "../../../test/support/arbitrary-pod.ts";
import { goldens, readChart } from "../../../test/support/chart.ts";
import { buildContext, buildSettings } from "../../../test/support/context.ts";
import { buildWebhook } from "../../../test/support/installation.ts";
import { rules } from "../../admission/decide.ts";
import { checkPod, type Metadata, type StringMap } from "../../inject/kubernetes.ts";
import { inject } from "../../inject/pod.ts";
import { findUnmet, replayMatching, type Subject, summarize } from "./matching.ts";

const early = new Set<string>(
  rules.flatMap((one) => (one.early === null ? [] : [one.verdict.reason])),
);

const withRevision = (revision: string): StringMap => ({
  ...namespaceLabels,
  "bouncer.dev/rev": revision,
});

const namespaceLabels = {
  "bouncer-injection": "enabled",
  "kubernetes.io/metadata.name": "shop",
};

/** What the conditions of the chart look at. */
interface Wish {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly hostNetwork: boolean;
}

const wishes: fc.Arbitrary<Wish> = fc.record({
  labels: fc.dictionary(
    fc.constantFrom("bouncer.dev/inject", "tier", "exposed", "internal", "example.com/owner"),
    fc.constantFrom("true", "false", "infra"),
  ),
  annotations: fc.dictionary(
    fc.constantFrom("bouncer.dev/inject", "other"),
    fc.constantFrom("true", "false"),
  ),
  hostNetwork: fc.boolean(),
});

/** A pod that is one for the API server too: what it would refuse is never sent. */
function merge(pod: unknown, { labels, annotations, hostNetwork }: Wish): unknown {
  const checked = checkPod(pod);
  if (!checked.ok) return { metadata: { labels, annotations }, spec: { containers: [] } };
  const { metadata, spec } = checked.pod;
  return {
    ...checked.pod,
    metadata: { ...metadata, labels, annotations },
    spec: { ...spec, hostNetwork },
  };
}

function buildSubject(metadata: Metadata = {}): Subject {
  const pod = { metadata, spec: { containers: [] } };
  return { pod, labels: metadata.labels ?? {}, namespace: "shop", namespaceLabels };
}

const stops = (webhook: Parameters<typeof buildWebhook>[0], subject: Subject) =>
  replayMatching(buildWebhook(webhook), subject)
    .filter(({ verdict }) => verdict !== "passes")
    .map(({ step, verdict, detail }) => [step, verdict, detail]);

const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] };

describe("what stops a pod", () => {
  test("nothing", () => expect(stops({}, buildSubject())).toEqual([]));

  test.each([
    ["operation", { ...rule, operations: ["UPDATE"] }],
    ["group", { ...rule, apiGroups: ["apps"] }],
    ["version", { ...rule, apiVersions: ["v2"] }],
    ["resource", { ...rule, resources: ["pods/exec"] }],
    ["scope", { ...rule, scope: "Cluster" }],
  ])("rules: %s", (_, one) => {
    expect(stops({ rules: [one] }, buildSubject())).toEqual([
      ["rules", "stops", "no rule is about CREATE of pods"],
    ]);
  });

  test("rules with wildcards do not", () => {
    const wild = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"] };
    expect(stops({ rules: [rule, { ...wild, scope: "*" }] }, buildSubject())).toEqual([]);
  });

  test("namespaceSelector", () => {
    const subject = { ...buildSubject(), namespaceLabels: { "bouncer.dev/rev": "canary" } };
    expect(stops({}, subject)).toEqual([
      [
        "namespaceSelector",
        "stops",
        `label bouncer-injection is not set, needed is In (enabled); label bouncer.dev/rev is "canary", needed is DoesNotExist`,
      ],
    ]);
  });

  test("objectSelector", () => {
    expect(stops({}, buildSubject({ labels: { "bouncer.dev/inject": "false" } }))).toEqual([
      ["objectSelector", "stops", `label bouncer.dev/inject is "false", needed is NotIn (false)`],
    ]);
  });

  test("matchConditions, of which any that is false counts", () => {
    const subject = buildSubject({ annotations: { "bouncer.dev/inject": "false" } });
    const conditions = [{ name: "who", expression: "request.userInfo.username == 'me'" }];
    const webhook = buildWebhook({
      matchConditions: [...conditions, ...(buildWebhook().matchConditions ?? [])],
    });
    const steps = replayMatching(webhook, subject);
    expect(steps.slice(3).map(({ verdict, detail }) => `${verdict}: ${detail}`)).toEqual([
      "unknown: who cannot be evaluated here: No such key: userInfo",
      "stops: not-opted-out-by-annotation is false",
      "passes: not-on-the-host-network is true",
    ]);
    expect(summarize(steps)).toBe("no");
    expect(summarize(steps.filter(({ verdict }) => verdict !== "stops"))).toBe("unknown");
  });

  test("nobody knows the namespace", () => {
    const [, namespace] = replayMatching(buildWebhook(), {
      ...buildSubject(),
      namespaceLabels: null,
    });
    expect(namespace).toMatchObject({ verdict: "unknown" });
  });
});

test("an operator that is not known selects nothing", () => {
  const selector = { matchExpressions: [{ key: "a", operator: "Gt", values: ["1"] }] };
  expect(findUnmet(selector, { a: "2" })).toHaveLength(1);
});

test.each(goldens)(
  "law: the API server leaves out whom the injector would skip, and nobody else: %s",
  (golden) => {
    const { settings, webhook, namespace, revision } = readChart(golden);
    const labels = revision === "" ? namespaceLabels : withRevision(revision ?? "");
    const context = buildContext({
      settings: settings ?? buildSettings(),
      namespace: { name: "shop", labels, annotations: {} },
      injectorNamespace: namespace,
    });
    fc.assert(
      fc.property(arbitraryPod, wishes, (base, wish) => {
        const pod = merge(base, wish);
        const subject = { pod, labels: wish.labels, namespace: "shop", namespaceLabels: labels };
        const steps = replayMatching(webhook, subject);
        expect(steps.filter(({ verdict }) => verdict === "unknown")).toEqual([]);
        const { reason } = inject(pod, context);
        expect(summarize(steps) === "no").toBe(early.has(reason));
      }),
    );
  },
);
