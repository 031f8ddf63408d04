/** Story 8: a rolling restart of the application under steady load. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { apply, kubectl, rolledOut } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed } from "./policy.ts";
import { deployment, service } from "./workloads.ts";

const { appImage: image } = readEnvironment();
let namespace = "";
let outside = "";
let client: Client;

beforeAll(async () => {
  namespace = await createNamespace("rollout", injected);
  outside = await createNamespace("outside");
  const container = {
    readinessProbe: { httpGet: { path: "/health", port: "http" }, periodSeconds: 1 },
  };
  await apply(
    deployment(namespace, "orders", { image, replicas: 2, container }),
    service(namespace, "orders"),
  );
  client = await createClient(outside, image);
  await rolledOut(namespace, "deployment/orders");
});

afterAll(async () => {
  await Promise.all([deleteNamespace(namespace), deleteNamespace(outside)]);
});

test("loses no request", async () => {
  const url = `http://orders.${namespace}.svc${allowed.path}`;
  const load = client.load({ ...allowed, url }, { seconds: 45, connections: 8 });
  await kubectl(`rollout restart deployment/orders -n ${namespace}`);
  await rolledOut(namespace, "deployment/orders");
  const { sent, outcomes } = await load;
  expect(outcomes).toEqual({ "200": sent });
  expect(sent).toBeGreaterThan(500);
});
