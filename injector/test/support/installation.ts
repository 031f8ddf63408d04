/** An installation as the chart makes it, for tests of the command line. */
import type { V1MutatingWebhook } from "@kubernetes/client-node";
import type { Installation } from "../../src/cli/installation.ts";
import { buildSettings } from "./context.ts";

const optedOut = `!has(object.metadata.annotations) ||
  !('bouncer.dev/inject' in object.metadata.annotations) ||
  object.metadata.annotations['bouncer.dev/inject'] != 'false'`;

export function buildWebhook(given: Partial<V1MutatingWebhook> = {}): V1MutatingWebhook {
  return {
    name: "injector.bouncer.dev",
    admissionReviewVersions: ["v1"],
    sideEffects: "NoneOnDryRun",
    failurePolicy: "Fail",
    clientConfig: {
      service: {
        name: "bouncer-injector",
        namespace: "bouncer-system",
        path: "/mutate",
        port: 443,
      },
    },
    rules: [
      {
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CREATE"],
        resources: ["pods"],
        scope: "Namespaced",
      },
    ],
    namespaceSelector: {
      matchExpressions: [
        { key: "bouncer-injection", operator: "In", values: ["enabled"] },
        { key: "bouncer.dev/rev", operator: "DoesNotExist" },
        {
          key: "kubernetes.io/metadata.name",
          operator: "NotIn",
          values: ["bouncer-system", "kube-system", "kube-public", "kube-node-lease"],
        },
      ],
    },
    objectSelector: {
      matchExpressions: [{ key: "bouncer.dev/inject", operator: "NotIn", values: ["false"] }],
    },
    matchConditions: [
      { name: "not-opted-out-by-annotation", expression: optedOut },
      {
        name: "not-on-the-host-network",
        expression: "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
      },
    ],
    ...given,
  };
}

export function buildInstallation(given: Partial<Installation> = {}): Installation {
  const webhook = given.webhook ?? buildWebhook();
  return {
    namespace: "bouncer-system",
    name: "bouncer-injector",
    configuration: {
      metadata: {
        name: "bouncer-injector",
        creationTimestamp: new Date("2026-01-01T00:00:00Z"),
      },
      webhooks: [webhook],
    },
    webhook,
    deployment: null,
    settings: buildSettings(),
    settingsAre: "accepted",
    environment: {},
    revision: "",
    version: "1.2.3",
    bridge: null,
    problems: [],
    ...given,
  };
}
