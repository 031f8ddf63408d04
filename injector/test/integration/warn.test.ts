/** Workloads over real TLS: warnings, and nothing is ever refused. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FakeApi } from "./fake-api.ts";
import {
  caBundle,
  metricsOf,
  pod,
  post,
  ready,
  responseOf,
  review,
  startCluster,
  startReplica,
} from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
let replica: Replica;
let ca: string;

beforeAll(async () => {
  api = await startCluster();
  replica = await startReplica(api);
  await ready(replica);
  ca = caBundle(api) ?? "";
});

afterAll(async () => {
  await replica.close();
  await api.close();
});

const kind = { group: "apps", version: "v1", kind: "Deployment" };
const deployment = (annotations: object = {}, replicas = 1) => ({
  metadata: { name: "orders" },
  spec: { replicas, template: { metadata: { annotations }, spec: pod.spec } },
});
const huge = deployment({ "bouncer.dev/preset": "huge" });

async function warn(request: object) {
  const body = review({ kind, object: deployment(), ...request });
  return post(replica.port, body, { ca, path: "/warn?timeout=5s" });
}

describe("a Deployment", () => {
  test("whose pods are simply injected is answered without a word, and never patched", async () => {
    expect(responseOf(await warn({}))).toEqual({
      uid: "7f1c",
      allowed: true,
      auditAnnotations: { result: "silent", reason: "injected" },
    });
  });

  test("whose pods would be denied is allowed, and its author told", async () => {
    const response = responseOf(await warn({ object: huge }));
    expect(response).toMatchObject({
      allowed: true,
      auditAnnotations: { result: "warned", reason: "invalid_annotation" },
    });
    expect(JSON.stringify(response["warnings"])).toMatch(
      /pods of Deployment \\"orders\\" will be refused: .*bouncer\.dev\/preset/,
    );
  });

  test("whose pods would be skipped is told why", async () => {
    const object = deployment();
    const windows = { ...object.spec.template.spec, os: { name: "windows" } };
    const spec = { template: { ...object.spec.template, spec: windows } };
    const response = responseOf(await warn({ object: { ...object, spec } }));
    expect(JSON.stringify(response["warnings"])).toMatch(/get no bouncer: .*Windows/);
  });

  test("whose pods opt out is told nothing", async () => {
    const object = deployment({ "bouncer.dev/inject": "false" });
    expect(responseOf(await warn({ object }))).not.toHaveProperty("warnings");
  });

  test("that is scaled is told nothing new", async () => {
    const object = { ...huge, spec: { ...huge.spec, replicas: 9 } };
    const response = responseOf(await warn({ operation: "UPDATE", object, oldObject: huge }));
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { result: "unchanged" } });
    expect(response).not.toHaveProperty("warnings");
  });

  test("that is changed is told again", async () => {
    const update = { operation: "UPDATE", object: huge, oldObject: deployment() };
    expect(responseOf(await warn(update))).toHaveProperty("warnings");
  });

  test("without a template is allowed: the API server refuses it itself", async () => {
    expect(responseOf(await warn({ object: {} }))).toMatchObject({ allowed: true });
  });
});

test.each([
  { what: "a namespace that does not exist", namespace: "gone", status: 200 },
  { what: "a namespace that cannot be asked for", namespace: "dark", status: 500 },
])("$what refuses nothing", async ({ namespace, status }) => {
  api.intercept(async (_method, path) =>
    status !== 200 && path.endsWith(`/namespaces/${namespace}`) ? status : undefined,
  );
  const response = responseOf(await warn({ namespace }));
  expect(response).toMatchObject({ allowed: true, auditAnnotations: { result: "failed" } });
  expect(response).not.toHaveProperty("warnings");
});

test.each([
  { what: "a pod", request: { kind: { group: "", version: "v1", kind: "Pod" } } },
  { what: "an unknown kind", request: { kind: { group: "x.io", version: "v1", kind: "Thing" } } },
  { what: "another operation", request: { operation: "DELETE" } },
  { what: "a subresource", request: { subResource: "scale" } },
])("$what is an error with a code: the webhook is set up wrongly", async ({ request }) => {
  const reply = await warn(request);
  expect(reply).toMatchObject({ status: 400, body: { code: "request_unexpected" } });
  expect(JSON.stringify(reply.body)).toContain("accepted is CREATE and UPDATE of Deployment");
});

test("what is no review is refused as at /mutate", async () => {
  const reply = await post(replica.port, "{", { ca, path: "/warn" });
  expect(reply).toMatchObject({ status: 400, body: { code: "review_malformed" } });
});

test("everything is counted, apart from pods", async () => {
  const metrics = await metricsOf(replica);
  for (const labels of [
    'result="warned",reason="invalid_annotation"',
    'result="silent",reason="opted_out"',
    'result="unchanged",reason="unchanged"',
    'result="failed",reason="namespace_unknown"',
  ]) {
    expect(metrics).toContain(`bouncer_injector_workload_reviews_total{${labels}}`);
  }
  expect(metrics).not.toContain("bouncer_injector_admissions_total{");
});
