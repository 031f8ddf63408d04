import { describe, expect, test } from "vitest";
import type { Injection } from "../inject/injection.ts";
import { reasons } from "./reasons.ts";
import type { AdmissionRequest } from "./review.ts";
import { describeOutlook, nameOf, readWorkload } from "./workload.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [] } };
const deployment = { metadata: { name: "web" }, spec: { replicas: 1, template } };
const request: AdmissionRequest = {
  uid: "u",
  kind: { group: "apps", version: "v1", kind: "Deployment" },
  subResource: "",
  namespace: "shop",
  operation: "CREATE",
  dryRun: false,
  object: deployment,
};
const kindOf = (group: string, kind: string) => ({ kind: { group, version: "v1", kind } });

describe("the template of", () => {
  test.each([
    { group: "apps", kind: "Deployment" },
    { group: "apps", kind: "StatefulSet" },
    { group: "apps", kind: "DaemonSet" },
    { group: "batch", kind: "Job" },
  ])("a $kind", ({ group, kind }) => {
    expect(readWorkload({ ...request, ...kindOf(group, kind) })).toEqual({
      kind: "workload",
      title: `${kind} "web"`,
      template,
      isChanged: true,
    });
  });

  test("a CronJob", () => {
    const spec = { jobTemplate: { spec: { template } } };
    const object = { metadata: { generateName: "night-" }, spec };
    expect(readWorkload({ ...request, ...kindOf("batch", "CronJob"), object })).toEqual({
      kind: "workload",
      title: 'CronJob "night-"',
      template,
      isChanged: true,
    });
  });

  test.each([null, undefined, 7, [], { spec: null }, { spec: { template: 1 } }])(
    "what has none: %j",
    (object) => {
      expect(readWorkload({ ...request, object })).toMatchObject({ kind: "workload" });
    },
  );
});

describe("an update of", () => {
  const reordered = { spec: template.spec, metadata: template.metadata };
  const labelled = { ...template, metadata: { labels: { app: "web", tier: "1" } } };
  test.each([
    { what: "the number of replicas", spec: { replicas: 5, template }, isChanged: false },
    { what: "nothing, in another order", spec: { template: reordered }, isChanged: false },
    { what: "the template's labels", spec: { template: labelled }, isChanged: true },
    { what: "the template's containers", spec: { template: { spec: {} } }, isChanged: true },
  ])("$what", ({ spec, isChanged }) => {
    const object = { ...deployment, spec };
    const update = { ...request, operation: "UPDATE", object, oldObject: deployment };
    expect(readWorkload(update)).toMatchObject({ kind: "workload", isChanged });
  });
});

test.each([
  {
    what: "another operation",
    given: { operation: "DELETE" },
    named: "DELETE of apps/v1 Deployment",
  },
  {
    what: "a subresource",
    given: { subResource: "scale" },
    named: "CREATE of apps/v1 Deployment/scale",
  },
  { what: "a pod", given: kindOf("", "Pod"), named: "CREATE of v1 Pod" },
  {
    what: "a ReplicaSet",
    given: kindOf("apps", "ReplicaSet"),
    named: "CREATE of apps/v1 ReplicaSet",
  },
  {
    what: "another group",
    given: kindOf("x.io", "Deployment"),
    named: "CREATE of x.io/v1 Deployment",
  },
  {
    what: "a name of Object's",
    given: kindOf("", "constructor"),
    named: "CREATE of v1 constructor",
  },
])("$what is unexpected", ({ given, named }) => {
  const accepted =
    "accepted is CREATE and UPDATE of Deployment, StatefulSet, DaemonSet, Job, CronJob";
  expect(readWorkload({ ...request, ...given })).toEqual({
    kind: "unexpected",
    message: `Cannot review ${named}: ${accepted}`,
  });
});

interface Row {
  readonly what: string;
  readonly injection: Injection;
  readonly outlook: object;
}
const pod = { spec: { containers: [] } };
const rows: readonly Row[] = [
  {
    what: "injected: nothing is said",
    injection: { kind: "inject", reason: "injected", pod, mode: "redirect", warnings: [] },
    outlook: { reason: "injected", warnings: [] },
  },
  {
    what: "injected with a warning",
    injection: {
      kind: "inject",
      reason: "injected",
      mode: "redirect",
      pod,
      warnings: [{ code: "no_app_ports", message: "No ports." }],
    },
    outlook: { reason: "injected", warnings: ['pods of Deployment "web": No ports.'] },
  },
  {
    what: "denied, each problem by itself",
    injection: { kind: "deny", reason: "invalid_annotation", problems: ["a", "b"] },
    outlook: {
      reason: "invalid_annotation",
      warnings: [
        'pods of Deployment "web" will be refused: a',
        'pods of Deployment "web" will be refused: b',
      ],
    },
  },
  {
    what: "skipped, with what to do",
    injection: { kind: "skip", reason: "windows", message: "Windows." },
    outlook: {
      reason: "windows",
      warnings: [`pods of Deployment "web" get no bouncer: Windows. ${reasons.windows.fix}`],
    },
  },
  {
    what: "skipped as they ask: nothing is said",
    injection: { kind: "skip", reason: "opted_out", message: "Opted out." },
    outlook: { reason: "opted_out", warnings: [] },
  },
];

test.each(rows)("pods are $what", ({ injection, outlook }) => {
  expect(describeOutlook('Deployment "web"', injection)).toEqual(outlook);
});

test.each([
  { object: { metadata: { name: "a" } }, name: "a" },
  { object: { metadata: { name: "", generateName: "a-" } }, name: "a-" },
  { object: { metadata: { name: 7 } }, name: "" },
  { object: null, name: "" },
])("the name of $object is $name", ({ object, name }) => {
  expect(nameOf(object)).toBe(name);
});
