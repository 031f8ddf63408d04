/** What is known about the cluster, over real sockets: versions, Services, and what is out of reach. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { inject } from "../../src/inject/pod.ts";
import type { InjectionContext } from "../../src/inject/injection.ts";
import { systemTimer } from "../../src/loop.ts";
import type { FakeApi } from "./fake-api.ts";
import {
  caBundle,
  post,
  ready,
  responseOf,
  review,
  startCluster,
  startReplica,
} from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
let replica: Replica | null = null;
let contexts: InjectionContext[] = [];

beforeEach(async () => {
  api = await startCluster();
  contexts = [];
});

afterEach(async () => {
  await replica?.close();
  await api.close();
});

async function start(): Promise<Replica> {
  const started = await startReplica(api, {
    inject: (object, context) => {
      contexts.push(context);
      return inject(object, context);
    },
    // All pods come at the same time.
    monotonic: () => 0,
    // Retries within milliseconds; everything else as long as it is.
    timer: {
      after: (ms, callback) => systemTimer.after(ms === 1000 || ms === 2000 ? 1 : ms, callback),
    },
  });
  replica = started;
  await ready(started);
  return started;
}

async function admit({ port }: Replica, request: object = {}) {
  return responseOf(await post(port, review(request), { ca: caBundle(api) ?? "" }));
}

const putNode = (name: string, kubeletVersion: string): void =>
  api.put(`/api/v1/nodes/${name}`, { status: { nodeInfo: { kubeletVersion } } });

test("the oldest kubelet is found on any page, as a table", async () => {
  for (let index = 0; index < 1100; index += 1) putNode(`node-${index}`, "v1.34.1");
  putNode("node-777", "v1.28.9-eks-1");
  await admit(await start());
  expect(contexts[0]?.cluster).toMatchObject({ apiServer: "1.34.1", oldestKubelet: "1.28.9" });
  expect(api.requests.filter((line) => line === "GET /api/v1/nodes")).toHaveLength(3);
});

const services = "/api/v1/namespaces/shop/services";

test("the Services of the pod's namespace are listed once for many pods", async () => {
  api.put(`${services}/web`, {
    spec: {
      selector: { app: "web" },
      ports: [{ port: 80, targetPort: "http", appProtocol: "http" }, { port: 81 }],
    },
  });
  api.put(`${services}/external`, { spec: { type: "ExternalName" } });
  const started = await start();
  for (let index = 0; index < 5; index += 1) await admit(started);
  expect(contexts.at(-1)?.cluster.services).toEqual([
    {
      name: "web",
      selector: { app: "web" },
      ports: [
        { port: 80, targetPort: "http", protocol: "TCP", appProtocol: "http" },
        { port: 81, targetPort: 81, protocol: "TCP", appProtocol: null },
      ],
    },
    { name: "external", selector: {}, ports: [] },
  ]);
  expect(api.requests.filter((line) => line === `GET ${services}`)).toHaveLength(1);
});

test("no pod waits long for Services that do not come", async () => {
  const released = Promise.withResolvers<undefined>();
  api.intercept((_method, path) =>
    path === services ? released.promise : Promise.resolve(undefined),
  );
  expect(await admit(await start())).toMatchObject({ allowed: true });
  expect(contexts.at(-1)?.cluster.services).toBeNull();
  released.resolve(undefined);
});

test("without the rights nothing is known, and pods are injected all the same", async () => {
  const refused = /^\/(version|api\/v1\/nodes|api\/v1\/namespaces\/[^/]+\/(services|events))$/;
  api.intercept(async (_method, path) => (refused.test(path) ? 403 : undefined));
  const started = await start();
  expect(await admit(started)).toMatchObject({ allowed: true, patchType: "JSONPatch" });
  expect(contexts[0]?.cluster).toEqual({ apiServer: null, oldestKubelet: null, services: null });
  const forbidden = started.lines.filter((line) => line["msg"] === "cluster fact forbidden");
  expect(new Set(forbidden.map((line) => line["fact"]))).toEqual(
    new Set(["oldest kubelet", "version of the API server"]),
  );
  expect(started.lines.filter((line) => line["msg"] === "services not listed")).toHaveLength(1);
});

test("an API server that fails at this delays readiness a little, and does not prevent it", async () => {
  let failing = true;
  api.intercept(async (_method, path) => (failing && path === "/version" ? 0 : undefined));
  const started = await start();
  const asked = api.requests.filter((line) => line === "GET /version").length;
  expect(asked).toBeGreaterThanOrEqual(3);
  failing = false;
  for (;;) {
    await admit(started);
    if (contexts.at(-1)?.cluster.apiServer === "1.34.1") break;
  }
});
